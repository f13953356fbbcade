"""What the Resource of a task names: a function, an activity, an integration or an API's action.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-service-integrations.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from byoa.plan.tables import table

FUNCTION, ACTIVITY, INTEGRATION, SDK, UNKNOWN = "function", "activity", "integration", "sdk", ""
SEE = "see https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html"
PATTERNS = ("sync", "sync:2", "waitForTaskToken")
#: A value that CloudFormation puts in: DefinitionSubstitutions.
HOLE = r"\$\{[\w:.]+\}"
ARN = re.compile(
    rf"arn:(aws(?:-[a-z]+)*|{HOLE}):([a-z0-9-]+):([a-z0-9-]*|{HOLE}):(\d{{12}}|{HOLE}|):(.+)",
    re.DOTALL,
)
LATER = re.compile(HOLE)


@dataclass(frozen=True)
class Resource:
    """One task's Resource in its parts."""

    kind: str
    text: str
    service: str = ""  #: as it stands there
    action: str = ""
    pattern: str = ""  #: "", sync, sync:2 or waitForTaskToken

    @property
    def key(self) -> str:
        return f"{self.service}:{self.action}"

    @property
    def waits(self) -> bool:
        return self.pattern.startswith("sync")


def parsed(text: Any) -> Resource:
    """The parts; of kind UNKNOWN when Step Functions would not know it."""
    text = text if isinstance(text, str) else ""
    if LATER.search(text) and not text.startswith("arn:"):
        return Resource(FUNCTION, text)  # a whole ARN that comes later
    found = ARN.fullmatch(text)
    if not found:
        return Resource(UNKNOWN, text)
    service, rest = found[2], found[5]
    if service == "lambda" and rest.startswith("function:"):
        return Resource(FUNCTION, text)
    if service == "states" and rest.startswith("activity:"):
        return Resource(ACTIVITY, text)
    if service == "states" and not rest.startswith("stateMachine:"):
        return _integration(text, rest)
    return Resource(UNKNOWN, text)


def _integration(text: str, rest: str) -> Resource:
    named, _, pattern = rest.partition(".")
    parts = named.split(":")
    if parts[0] == "aws-sdk" and len(parts) == 3:
        return Resource(SDK, text, parts[1], parts[2], pattern)
    if len(parts) == 2:
        return Resource(INTEGRATION, text, parts[0], parts[1], pattern)
    return Resource(UNKNOWN, text)


def integration(resource: Resource) -> dict[str, Any] | None:
    """What the table knows of an integration; None when there is none."""
    found: dict[str, Any] | None = table("workflow/integrations.json").get(resource.key)
    return found


def problems(text: Any) -> Iterator[str]:
    """Why Step Functions would not take this Resource."""
    resource = parsed(text)
    if resource.kind == UNKNOWN:
        yield from _no_arn(text)
    elif resource.kind == INTEGRATION:
        yield from _no_integration(resource)
    elif resource.kind == SDK:
        yield from _no_action(resource)


def _no_arn(text: Any) -> Iterator[str]:
    shown = repr(text)[:120]
    found = re.fullmatch(r"arn:[^:]*:lambda:([^:]*):([^:]*):function:.+", str(text))
    if found and not re.fullmatch(r"\d{12}", found[2]):
        yield (
            f"Resource is {shown}, whose account is {found[2]!r}, but one has 12 digits"
            " - put yours in"
        )
    else:
        yield (
            f"Resource is {shown}, which Step Functions does not know - write a function's ARN or"
            " such as arn:aws:states:::lambda:invoke"
        )


def _no_integration(resource: Resource) -> Iterator[str]:
    known = table("workflow/integrations.json")
    found = integration(resource)
    if resource.key == "http:invoke":
        return
    if found is None:
        near = difflib.get_close_matches(resource.key, known, n=1, cutoff=0.6)
        hint = _as_sdk(resource) or (f"did you mean {near[0]}?" if near else SEE)
        yield f"Resource: Step Functions has no integration {resource.key} - {hint}"
        return
    patterns = found.get("patterns", [])
    if resource.pattern and resource.pattern not in patterns:
        if resource.pattern not in PATTERNS:
            near = difflib.get_close_matches(resource.pattern, PATTERNS, n=1)
            known_ones = " or ".join(f".{one}" for one in near or patterns) or "none"
            yield f"Resource: there is no pattern .{resource.pattern} - write {known_ones}"
        else:
            there = " and ".join(f".{one}" for one in patterns)
            hint = f"there is {there}" if there else "drop it, and wait with Wait and Choice"
            yield f"Resource: {resource.key} has no .{resource.pattern} - {hint}"


def _as_sdk(resource: Resource) -> str:
    """How aws-sdk calls it, where that has it."""
    known = table("workflow/actions.json")
    action = resource.action[:1].upper() + resource.action[1:]
    told = known["actions"].get(
        resource.service, () if resource.service in known["services"] else None
    )
    found = told is not None and (action in told or told == ())
    return f"write aws-sdk:{resource.service}:{resource.action}" if found else ""


def _no_action(resource: Resource) -> Iterator[str]:
    known = table("workflow/actions.json")
    if resource.service not in known["services"]:
        near = difflib.get_close_matches(resource.service, known["services"], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "write it as AWS's SDK for Java does"
        yield f"Resource: there is no service {resource.service!r} - {hint}"
        return
    if resource.pattern not in ("", "waitForTaskToken"):
        yield f"Resource: aws-sdk has no .{resource.pattern} - poll with Wait and Choice"
    action = resource.action[:1].upper() + resource.action[1:]
    actions = known["actions"].get(resource.service)
    if resource.action[:1].isupper():
        yield f"Resource: {resource.action} begins with a small letter there - write it so"
    elif actions is not None and action not in actions:
        near = difflib.get_close_matches(action, actions, n=1, cutoff=0.6)
        hint = f"did you mean {near[0][:1].lower()}{near[0][1:]}?" if near else "see its API"
        yield f"Resource: {resource.service} has no {resource.action} - {hint}"
