"""Step Functions' answers as plain values: machines, executions, their events and tags.

`states` is boto3's client of stepfunctions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from byoa.plan.errors import NotFoundError, error_code
from byoa.plan.workflow.requests import tag_changes, tag_request, untag_request

#: An execution that will change no more on its own.
OVER = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def find(states: Any, arn: str) -> dict[str, Any] | None:
    """describe_state_machine's answer; None when there is no such machine."""
    try:
        found: dict[str, Any] = states.describe_state_machine(stateMachineArn=arn)
    except Exception as error:
        if error_code(error) == "StateMachineDoesNotExist":
            return None
        raise
    return found


def machines(states: Any) -> Iterator[dict[str, Any]]:
    """Every state machine of the account and region."""
    for page in states.get_paginator("list_state_machines").paginate():
        yield from page["stateMachines"]


def tags(states: Any, arn: str) -> dict[str, str]:
    found = states.list_tags_for_resource(resourceArn=arn)["tags"]
    return {one["key"]: one["value"] for one in found}


def set_tags(states: Any, arn: str, now: Mapping[str, str], then: Mapping[str, str]) -> None:
    """Adds and changes what is wanted, takes the rest away."""
    new, gone = tag_changes(now, then)
    if new:
        states.tag_resource(**tag_request(arn, new))
    if gone:
        states.untag_resource(**untag_request(arn, gone))


def versions(states: Any, arn: str) -> list[dict[str, Any]]:
    """Published versions, the newest first; botocore has no paginator for them."""
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = states.list_state_machine_versions(stateMachineArn=arn, maxResults=100, **more)
        found += page["stateMachineVersions"]
        if not page.get("nextToken"):
            return found
        more = {"nextToken": page["nextToken"]}


def executions(states: Any, arn: str, status: str = "", most: int = 0) -> Iterator[dict[str, Any]]:
    """A machine's executions, the newest first."""
    words = {"stateMachineArn": arn, **({"statusFilter": status} if status else {})}
    limits = {"MaxItems": most, "PageSize": min(most, 1000)} if most else {}
    pages = states.get_paginator("list_executions").paginate(**words, PaginationConfig=limits)
    for page in pages:
        yield from page["executions"]


def describe(states: Any, arn: str) -> dict[str, Any]:
    """describe_execution's answer; NotFoundError when there is none (it is kept for 90 days)."""
    try:
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
    except Exception as error:
        if error_code(error) == "ExecutionDoesNotExist":
            machine, _, name = arn.split(":execution:", 1)[-1].partition(":")
            raise NotFoundError(
                f"The workflow {machine} has no execution {name}. See: byoa workflow list {machine}"
            ) from None
        raise
    return found


def new_events(states: Any, arn: str, after: int = 0) -> list[dict[str, Any]]:
    """The history's events that are younger than the one of the number `after`, oldest first."""
    found: list[dict[str, Any]] = []
    words: dict[str, Any] = {"executionArn": arn, "reverseOrder": True, "maxResults": 1000}
    if not after:
        words["reverseOrder"] = False
    while True:
        page = states.get_execution_history(**words)
        new = [event for event in page["events"] if event["id"] > after]
        found += new
        if not page.get("nextToken") or len(new) < len(page["events"]):
            return sorted(found, key=lambda event: int(event["id"]))
        words["nextToken"] = page["nextToken"]


def wait_until(
    over: Callable[[], bool],
    limit: float,
    *,
    pause: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Whether it became so within the limit, looked at every `pause` seconds."""
    end = clock() + limit
    while not over():
        if clock() >= end:
            return False
        sleep(pause)
    return True


def stop_all(
    states: Any,
    arns: Iterable[str],
    request: Callable[[str], Mapping[str, Any]],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Stops executions and waits for their ends; those that have not ended after a while."""
    left = list(arns)
    for arn in left:
        try:
            states.stop_execution(**request(arn))
        except Exception as error:
            if error_code(error) not in {"ExecutionDoesNotExist", "ValidationException"}:
                raise

    def ended() -> bool:
        left[:] = [arn for arn in left if describe(states, arn)["status"] not in OVER]
        return not left

    wait_until(ended, 120.0, sleep=sleep)
    return left


def utc() -> datetime:
    return datetime.now(timezone.utc)
