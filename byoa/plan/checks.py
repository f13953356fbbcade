"""Policies compared: what a role's lacks, and the two together without growing for ever."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.image import ImageFacts

#: IAM's own for all inline policies of a role together.
LARGEST = 10_240


def merged(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Both policies' statements, resources of equal ones joined; `wanted` alone if too long.

    What an earlier job still reads stays allowed; the same wish twice changes nothing.
    """
    found: dict[str, dict[str, Any]] = {}
    for statement in (*now.get("Statement", ()), *wanted.get("Statement", ())):
        key = {name: statement.get(name) for name in ("Effect", "Action", "Condition")}
        here = found.setdefault(json.dumps(key, sort_keys=True), {**statement, "Resource": []})
        here["Resource"] = sorted({*here["Resource"], *listed(statement["Resource"])})
    taken: dict[str, int] = {}
    statements = [{**found[key], "Sid": _sid(found[key], taken)} for key in sorted(found)]
    both = {"Version": "2012-10-17", "Statement": statements}
    if len(json.dumps(both)) > LARGEST and now:
        return merged({}, wanted)
    return both


def _sid(statement: Mapping[str, Any], taken: dict[str, int]) -> str:
    name = re.sub(r"\d+$", "", statement.get("Sid", "Allow"))
    taken[name] = taken.get(name, 0) + 1
    return f"{name}{taken[name]}" if taken[name] > 1 else name


def gaps(policies: list[Mapping[str, Any]], wanted: Mapping[str, Any]) -> Iterator[str]:
    """`action on resource` for all that `wanted` allows and none of the policies does.

    Conditions are not weighed: a policy with one may allow less than it seems to.
    """
    given = [one for policy in policies for one in listed(policy.get("Statement", []))]
    for statement in wanted["Statement"]:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                if not any(_allows(one, action, resource) for one in given):
                    yield f"{action} on {resource}"


def _allows(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if statement.get("Effect") != "Allow" or "Action" not in statement:
        return False
    return any(
        fnmatch.fnmatchcase(action.lower(), str(one).lower()) for one in listed(statement["Action"])
    ) and any(fnmatch.fnmatchcase(resource, str(one)) for one in listed(statement["Resource"]))


def trusts(document: Mapping[str, Any], service: str) -> bool:
    """Whether a trust policy lets the service take on the role."""
    return any(
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in listed(statement.get("Action", ()))
        and isinstance(statement.get("Principal"), Mapping)
        and service in listed(statement["Principal"].get("Service", ()))
        for statement in listed(document.get("Statement", []))
    )


def listed(value: Any) -> list[Any]:
    """IAM lets one of a kind stand without its list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def image_problems(facts: ImageFacts, architecture: str = "amd64") -> Iterator[str]:
    """Why SageMaker would not run an image: its kind of manifest, its architecture.

    https://github.com/aws/amazon-sagemaker-feedback/issues/180
    """
    fix = (
        "Build it with `byoa build --push`, or with docker's containerd image store off and"
        " --platform linux/amd64 --provenance=false --sbom=false."
    )
    if "index" in facts.media_type or "manifest.list" in facts.media_type:
        yield f"{facts.uri} is an index of {facts.architecture}, which SageMaker refuses. {fix}"
    elif "oci" in facts.media_type:
        yield f"{facts.uri} has a {facts.media_type}, which SageMaker refuses. {fix}"
    elif facts.architecture and facts.architecture != architecture:
        yield f"{facts.uri} is built for {facts.architecture}, not {architecture}. {fix}"
