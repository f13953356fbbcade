"""IAM's checks that moto leaves out: a role's trust policy, and who may take the role on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call

#: Where the trust policy is in the operations that set one.
DOCUMENTS = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}


def trust_policy(sandbox: Sandbox, call: Call) -> Response | None:
    """MalformedPolicyDocument as AWS says it; moto does the rest."""
    problem = trust_problem(call.form.get(DOCUMENTS[call.operation], ""))
    if problem:
        raise ServiceError("MalformedPolicyDocument", problem, call.operation)
    return None


def trust_problem(text: str) -> str:
    """What is wrong with a trust policy, or ""."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "This policy contains invalid Json"
    if not isinstance(document, dict):
        return "Syntax errors in policy."
    if document.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17"):
        return "Policy document must be version 2012-10-17 or greater."
    found = statements(document)
    if not found or not all(isinstance(statement, dict) for statement in found):
        return "Syntax errors in policy."
    return next((problem for statement in found for problem in statement_problems(statement)), "")


def statements(document: Mapping[str, Any]) -> list[Any]:
    return listed(document.get("Statement", []))


def statement_problems(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "Missing required field Effect"
    if not statement.get("Action") and not statement.get("NotAction"):
        yield "Missing required field Action"
    if not statement.get("Principal") and not statement.get("NotPrincipal"):
        yield "Missing required field Principal"
    if "Resource" in statement or "NotResource" in statement:
        yield "Has prohibited field Resource"


def may_assume(role_arn: str, service: str) -> bool:
    """Whether the role is there and trusts a service: sagemaker, codebuild."""
    from moto.backends import get_backend

    roles = list(get_backend("iam")[ACCOUNT]["aws"].roles.values())
    documents = [role.assume_role_policy_document for role in roles if role.arn == role_arn]
    return any(trusts(json.loads(text), f"{service}.amazonaws.com") for text in documents)


def trusts(document: Mapping[str, Any], principal: str) -> bool:
    for statement in statements(document):
        named = statement.get("Principal", {})
        services = named.get("Service") if isinstance(named, dict) else None
        if (
            statement.get("Effect") == "Allow"
            and principal in listed(services)
            and "sts:AssumeRole" in listed(statement.get("Action"))
        ):
            return True
    return False


def listed(value: Any) -> list[Any]:
    """IAM takes one text where a list of one would stand."""
    return value if isinstance(value, list) else [value]
