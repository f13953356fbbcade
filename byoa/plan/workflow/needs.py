"""What one state needs of other services: actions on resources, by its Resource and parameters.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from byoa.plan.errors import UsageError
from byoa.plan.tables import table
from byoa.plan.workflow import resource
from byoa.plan.workflow.patterns import ANY, is_arn
from byoa.plan.workflow.resource import Resource
from byoa.plan.workflow.values import Value, template, texts
from byoa.plan.workflow.walk import Place

#: What a request with tags needs besides, on the same resource.
TAGGED = {
    "sagemaker": "AddTags",
    "sqs": "TagQueue",
    **dict.fromkeys(
        ("batch", "dynamodb", "ecr", "ecs", "lambda", "logs", "secretsmanager", "sns", "states"),
        "TagResource",
    ),
}
#: ARNs of these services name no account or no region.
NO_REGION, NO_ACCOUNT = ("iam", "s3"), ("s3", "bedrock")
HOLE = re.compile(r"\{([\w.]+)(?:\|(\w+))?\}")


@dataclass(frozen=True)
class Need:
    """One action on one resource, perhaps on a condition."""

    action: str
    resource: str
    condition: str = ""  #: as JSON


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where the machine lives."""

    account: str
    region: str
    partition: str = "aws"
    name: str = ANY  #: of the state machine itself, for distributed Maps

    def arn(self, service: str, rest: str) -> str:
        region = "" if service in NO_REGION else self.region
        account = "" if service in NO_ACCOUNT else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{rest}"


def of_task(place: Place, given: Value, scope: Scope) -> Iterator[Need]:
    called = resource.parsed(place.state.get("Resource"))
    why = next(iter(resource.problems(called.text)), "")
    if called.kind == resource.UNKNOWN and not _a_function(called.text):
        raise UsageError(why or "it has no Resource - give it one")
    credentials = place.state.get("Credentials")
    if isinstance(credentials, Mapping) and credentials:
        for role in _roles(template(credentials, {}, place.language)):
            yield Need("sts:AssumeRole", _role(role, scope))
        return
    if called.kind in (resource.FUNCTION, resource.UNKNOWN):
        yield from _function(called.text, scope)
    elif called.kind == resource.INTEGRATION:
        if why and "pattern" not in why:
            raise UsageError(why)
        yield from _integration(called, given, scope)
    elif called.kind == resource.SDK:
        if why:
            raise UsageError(why)
        yield from _sdk(called, given, scope)


def _a_function(text: str) -> bool:
    """An ARN of a function whose account somebody has still to fill in, as tutorials have it."""
    return bool(re.fullmatch(r"arn:[\w-]+:lambda:[\w-]*:\w+:function:.+", text))


def _function(name: str, scope: Scope) -> Iterator[Need]:
    """A function by its ARN or its name; without a qualifier its versions and aliases, too."""
    parts = name.split(":")
    if is_arn(name):
        arn, qualified = name, len(parts) > 7
    elif "function" in parts:
        arn, qualified = scope.arn("lambda", f"function:{':'.join(parts[2:])}"), len(parts) > 3
    else:
        arn, qualified = scope.arn("lambda", f"function:{name}"), len(parts) > 1
    yield Need("lambda:InvokeFunction", arn)
    if not qualified and not arn.endswith(ANY):
        yield Need("lambda:InvokeFunction", f"{arn}:*")


def _integration(called: Resource, given: Value, scope: Scope) -> Iterator[Need]:
    if called.key == "http:invoke":
        yield from _http(given, scope)
        return
    if called.key == "lambda:invoke":
        for name in texts(given, "FunctionName") or [ANY]:
            yield from _function(name, scope)
        return
    known = resource.integration(called) or {}
    for line in [*known.get("allow", []), *(known.get("sync", []) if called.waits else [])]:
        allowed, _, reached = line.partition(" on ")
        for target in reached.split(", "):
            for arn in _arns(target, given, scope):
                for action in allowed.split(", "):
                    yield Need(action, arn)
    if called.waits and (rule := known.get("rule")):
        for action in ("DescribeRule", "PutRule", "PutTargets"):
            yield Need(f"events:{action}", scope.arn("events", f"rule/{rule}"))
    yield from _passes(known.get("pass"), given, scope, bool(known.get("passes anyway")))


def _arns(target: str, given: Value, scope: Scope) -> Iterator[str]:
    """`service:rest` with the request's values in its holes, as ARNs."""
    if target == ANY:
        yield ANY
        return
    service, _, rest = target.partition(":")
    rests = {rest}
    for hole in HOLE.finditer(rest):
        values = _values(hole[1], given) or [hole[2] or ANY]
        if any(map(is_arn, values)) and rest.endswith(hole[0]):
            yield from (value for value in values if is_arn(value))
            values = [value for value in values if not is_arn(value)]
        rests = {one.replace(hole[0], value) for one in rests for value in values}
    for one in rests:
        made = re.sub(r"\*{2,}", ANY, one).removeprefix(":")
        yield scope.arn(service, made)
        if service == "sagemaker" and made != made.lower() and "${" not in made:
            yield scope.arn(service, made.lower())  # SageMaker's ARNs are in small letters


def _values(name: str, given: Value) -> list[str]:
    """A hole's values: of the request, or worked out of one of its ARNs or addresses."""
    if name == "StateMachineName":
        arns = texts(given, "StateMachineArn")
        return [re.split(":", one)[6] if one.count(":") > 5 else ANY for one in arns]
    if name == "QueueUrl":
        found = [one.rstrip("/").rpartition("/")[2] for one in texts(given, name)]
        return [one or ANY for one in found]
    if name == "TopicArn":
        return texts(given, name) or texts(given, "TargetArn")
    if name == "SecretId":
        found = texts(given, name)
        return [one if is_arn(one) or ANY in one else f"{one}-??????" for one in found]
    return texts(given, name)


def _passes(to: str | list[str] | None, given: Value, scope: Scope, anyway: bool) -> Iterator[Need]:
    """iam:PassRole for the roles that the request hands to a service, to no other service."""
    if not to:
        return
    condition = json.dumps({"StringEquals": {"iam:PassedToService": to}})
    for role in list(_roles(given)) or ([ANY] if anyway or not isinstance(given, dict) else []):
        yield Need("iam:PassRole", _role(role, scope), condition)


def _roles(value: Value) -> Iterator[str]:
    """Every member that holds a role, at any depth."""
    for key, item in value.items() if isinstance(value, dict) else ():
        if key.endswith(("RoleArn", "ServiceRole", "ServiceRoleOverride", "JobFlowRole")):
            yield from item if isinstance(item, frozenset) else [ANY]
        else:
            yield from _roles(item)


def _role(pattern: str, scope: Scope) -> str:
    return pattern if is_arn(pattern) else scope.arn("iam", f"role/{pattern}")


def _sdk(called: Resource, given: Value, scope: Scope) -> Iterator[Need]:
    """An action of aws-sdk: on what the request names, where AWS knows such a resource."""
    known = table("workflow/actions.json")
    prefix = known["services"][called.service]
    name = called.action[:1].upper() + called.action[1:]
    told = known["actions"].get(called.service, {}).get(name, [])
    actions = [one[1:] for one in told if one.startswith("=")] or [name]
    targets = [one for one in told if not one.startswith("=")]
    if (prefix, actions) == ("lambda", ["InvokeFunction"]):
        for function in texts(given, "FunctionName") or [ANY]:
            yield from _function(function, scope)
        return
    arns = [one for one in texts(given, "ResourceArn") if is_arn(one)]
    for target in targets:
        arns += _arns(f"{prefix}:{target}", given, scope)
    names = {key.lower() for key in given} if isinstance(given, dict) else {"tags"}
    tagged = names & {"tags", "tagspecifications"}
    tag = [TAGGED[prefix]] if tagged and name.startswith("Create") and prefix in TAGGED else []
    for arn in arns or [ANY]:
        for one in (*actions, *tag):
            yield Need(f"{prefix}:{one}", arn)
    for source in texts(given, "CopySource") if name in ("CopyObject", "UploadPartCopy") else ():
        yield Need("s3:GetObject", scope.arn("s3", source.lstrip("/").partition("?")[0]))
    if not re.match(r"(Describe|List|Get|BatchGet|Delete|Stop)", name):
        yield from _passes(f"{prefix}.amazonaws.com", given, scope, anyway=False)


def _http(given: Value, scope: Scope) -> Iterator[Need]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html"""
    endpoint = (texts(given, "ApiEndpoint") or [ANY])[0]
    method = (texts(given, "Method") or [ANY])[0]
    tests: dict[str, dict[str, str]] = {}
    for key, value in (("states:HTTPEndpoint", endpoint), ("states:HTTPMethod", method)):
        if value != ANY:
            sort = "StringLike" if ANY in value else "StringEquals"
            tests.setdefault(sort, {})[key] = value
    machine = scope.arn("states", f"stateMachine:{scope.name}")
    yield Need("states:InvokeHTTPEndpoint", machine, json.dumps(tests) if tests else "")
    for connection in texts(given, "Authentication.ConnectionArn") or [ANY]:
        arn = connection if connection != ANY else scope.arn("events", "connection/*")
        yield Need("events:RetrieveConnectionCredentials", arn)
    for action in ("DescribeSecret", "GetSecretValue"):
        secret = scope.arn("secretsmanager", "secret:events!connection/*")
        yield Need(f"secretsmanager:{action}", secret)
