"""A small IAM: whether the policies of a role allow an action on a resource.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from byoa.sandbox.iam import listed, statements
from byoa.sandbox.state import ACCOUNT


def may(role_arn: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Allowed by a statement of one of the role's policies, and denied by none."""
    found = [
        statement["Effect"]
        for document in documents(role_arn)
        for statement in statements(document)
        if applies(statement, action, resource, context)
    ]
    return "Allow" in found and "Deny" not in found


def documents(role_arn: str) -> Iterator[Any]:
    """The role's own policies and those that are attached to it."""
    from moto.backends import get_backend

    for role in list(get_backend("iam")[ACCOUNT]["aws"].roles.values()):
        if role.arn == role_arn:
            for text in list(role.policies.values()):
                yield json.loads(text)
            for policy in list(role.managed_policies.values()):
                used = (one for one in policy.versions if one.is_default)
                yield from (json.loads(one.document) for one in used)


def applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    return (
        named(statement, "Action", action.lower(), fold=True)
        and named(statement, "Resource", resource, fold=False)
        and holds(statement.get("Condition", {}), context)
    )


def named(statement: Mapping[str, Any], what: str, value: str, *, fold: bool) -> bool:
    """Whether Action (or NotAction, the other way round) means this one.

    A resource that is not known whole ("*" in it) is taken for any that a statement may mean.
    """
    if f"Not{what}" in statement:
        return not named({what: statement[f"Not{what}"]}, what, value, fold=fold)
    patterns = [str(one) for one in listed(statement.get(what, []))]
    if what == "Resource" and "*" in value:
        return bool(patterns)
    return any(like(value, one.lower() if fold else one) for one in patterns)


def like(value: str, pattern: str) -> bool:
    return compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> re.Pattern[str]:
    parts = [{"*": ".*", "?": "."}.get(one, re.escape(one)) for one in re.split(r"([*?])", pattern)]
    return re.compile("".join(parts), re.DOTALL)


#: What conditions compare with, for the operators that are understood.
TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "ArnEquals": like,
    "StringLike": like,
    "ArnLike": like,
}


def holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Conditions on what is known of a request; on the rest they are taken to hold."""
    return all(
        any(TESTS[name](context[key], str(one)) for one in listed(wanted))
        for name, tests in condition.items()
        for key, wanted in tests.items()
        if name in TESTS and key in context
    )
