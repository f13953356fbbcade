"""A job's secrets: read for it before it begins, with the rights of its execution role.

https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.aws.session import Session
from byoa.sandbox.batch.permits import instance_role
from byoa.sandbox.codebuild.variables import Resolver, split
from byoa.sandbox.policies import may
from byoa.sandbox.state import ACCOUNT, State

SECRET = ":secretsmanager:"


def values(
    given: Mapping[str, Any], environment: Mapping[str, Any], state: State, region: str
) -> dict[str, str]:
    """Names and values; ValueError says which one cannot be had."""
    wanted = given.get("secrets") or []
    if not wanted:
        return {}
    session = Session(region=region, endpoint=state.url)
    resolver = Resolver(session.client("ssm"), session.client("secretsmanager"))
    agent = given.get("executionRoleArn") or instance_role(environment)
    found = {}
    for one in wanted:
        name, source = one["name"], one["valueFrom"]
        try:
            refuse(agent, source, region)
            secret = SECRET in source
            found[name] = resolver.secret(source) if secret else resolver.parameter(plain(source))
        except Exception as error:
            raise ValueError(
                f"unable to pull secrets or registry auth: execution resource retrieval failed: "
                f"{name} from {source}: {error}"
            ) from None
    return found


def plain(source: str) -> str:
    """A parameter's name, of its ARN too."""
    return source.partition(":parameter")[2] if source.startswith("arn:") else source


def refuse(agent: str, source: str, region: str) -> None:
    action = "secretsmanager:GetSecretValue" if SECRET in source else "ssm:GetParameters"
    on = split(source)[0]
    if not on.startswith("arn:"):
        on = f"arn:aws:ssm:{region}:{ACCOUNT}:parameter/{source.lstrip('/')}"
    if agent and not may(agent, action, on, {}):
        raise ValueError(f"{agent} is not authorized to perform: {action} on resource: {on}")
