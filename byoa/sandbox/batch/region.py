"""What Batch keeps of one region, and the words in which it refuses."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.batch.job import Job
from byoa.sandbox.state import ACCOUNT

#: Of environments, queues, definitions and jobs; no model of AWS says it.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
#: No list of Batch is longer.
PAGE = 100


def now() -> int:
    """Batch's times: milliseconds since 1970."""
    return int(time.time() * 1000)


def refused(text: str, operation: str = "") -> ServiceError:
    said = f"Error executing request, Exception : {text}, RequestId: {uuid.uuid4()}"
    return ServiceError("ClientException", said, operation)


def not_carried_out(what: str) -> ServiceError:
    return refused(f"{what} is not carried out in the sandbox")


def check_name(name: str, what: str) -> None:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""
    if NAME.fullmatch(name) is None:
        raise refused(f"{what} should match valid pattern")


@dataclass
class Region:
    """Everything by its name; jobs by their id, the oldest first. Its lock is held by whoever
    reads or changes anything."""

    name: str
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    definitions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)  #: by ARN
    changed: threading.Condition = field(default_factory=threading.Condition)

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:batch:{self.name}:{ACCOUNT}:{kind}/{name}"


def plain(name: str) -> str:
    """The name in an ARN, or the name itself."""
    return name.partition("/")[2] if name.startswith("arn:") else name


def page(items: Sequence[Any], request: dict[str, Any], key: str) -> dict[str, Any]:
    """At most maxResults of them from where nextToken says."""
    try:
        begin = int(request.get("nextToken") or 0)
    except ValueError:
        raise refused("Invalid nextToken") from None
    end = begin + min(request.get("maxResults") or PAGE, PAGE)
    more = {"nextToken": str(end)} if end < len(items) else {}
    return {key: list(items[begin:end]), **more}


def described(
    kept: Mapping[str, dict[str, Any]], region: Region, request: dict[str, Any], key: str
) -> dict[str, Any]:
    """The things that are asked for by name or ARN (all, if none is), with their tags."""
    wanted = {plain(name) for name in request.get(key) or kept}
    arn = f"{key[:-1]}Arn"
    return page(
        [tagged(region, kept[one][arn], kept[one]) for one in kept if one in wanted], request, key
    )


def tagged(region: Region, arn: str, shown: dict[str, Any]) -> dict[str, Any]:
    return {**shown, "tags": dict(region.tags.get(arn, {}))}
