"""SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat: answers to states that wait for a token."""

from __future__ import annotations

from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.stepfunctions import tokens
from byoa.sandbox.stepfunctions.calls import parsed
from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.store import Store

Request = dict[str, Any]


def settled(request: Request, found: bool, operation: str) -> Request:
    if not found:
        text = "Task Timed Out: 'Provided task does not exist anymore'"
        raise ServiceError("TaskTimedOut", text, operation)
    return {}


def task_success(store: Store, request: Request) -> Request:
    output = parse_output(request["output"])
    return settled(request, tokens.settle(request["taskToken"], output), "SendTaskSuccess")


def parse_output(said: str) -> Any:
    made = parsed(said)
    if made is said and not said.startswith('"'):
        raise ServiceError("InvalidOutput", f"Invalid Output: {said[:200]!r} is no JSON", "")
    return made


def task_failure(store: Store, request: Request) -> Request:
    error = StateError(request.get("error", ""), request.get("cause", ""))
    found = tokens.settle(request["taskToken"], error=error)
    return settled(request, found, "SendTaskFailure")


def task_heartbeat(store: Store, request: Request) -> Request:
    return settled(request, tokens.beat(request["taskToken"]), "SendTaskHeartbeat")
