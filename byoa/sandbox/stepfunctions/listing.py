"""The operations that answer in pages: executions, their events, Map Runs, versions."""

from __future__ import annotations

from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.stepfunctions import described, keeping, machines
from byoa.sandbox.stepfunctions.store import Store

Request = dict[str, Any]


def list_executions(store: Store, request: Request) -> Request:
    if "mapRunArn" in request:
        every = store.map_run(request["mapRunArn"], "ListExecutions").children
        every = [one for one in every if one.begun]
    elif "stateMachineArn" not in request:
        text = "Must specify exactly one of stateMachineArn, mapRunArn"
        raise ServiceError("ValidationException", text, "ListExecutions")
    else:
        machines.find(store.region, request["stateMachineArn"], "ListExecutions")
        every = store.of(request["stateMachineArn"])
    wanted, kind = request.get("statusFilter"), request.get("redriveFilter")
    chosen = [
        described.line(one) for one in every
        if wanted in (None, one.status)
        and (kind is None or (kind == "REDRIVEN") == (one.redrives > 0))
    ]  # fmt: skip
    page, token = paged(chosen, request, "ListExecutions", 100)
    return {"executions": page, "nextToken": token}


def history(store: Store, request: Request) -> Request:
    execution = store.get(request["executionArn"], "GetExecutionHistory")
    with execution.history.lock:
        events = list(execution.history.events)
    if request.get("reverseOrder"):
        events.reverse()
    page, token = paged(events, request, "GetExecutionHistory", 100)
    if request.get("includeExecutionData") is False:
        page = [without_data(event) for event in page]
    return {"events": page, "nextToken": token}


def without_data(event: Request) -> Request:
    hidden = {"input", "output", "parameters", "inputDetails", "outputDetails"}
    return {
        key: {name: item for name, item in value.items() if name not in hidden}
        if isinstance(value, dict) else value
        for key, value in event.items()
    }  # fmt: skip


def paged(items: list[Any], request: Request, operation: str, usual: int) -> tuple[list[Any], Any]:
    try:
        at = int(request.get("nextToken") or 0)
    except ValueError:
        raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'", operation) from None
    end = at + (request.get("maxResults") or usual)
    return items[at:end], str(end) if end < len(items) else None


def list_map_runs(store: Store, request: Request) -> Request:
    arn = store.get(request["executionArn"], "ListMapRuns").arn
    found = [run.listed() for run in list(store.map_runs.values()) if run.execution == arn]
    page, token = paged(found, request, "ListMapRuns", 100)
    return {"mapRuns": page, "nextToken": token}


def list_versions(store: Store, request: Request) -> Request:
    found = keeping.versions(store.region, request["stateMachineArn"])
    page, token = paged(found, request, "ListStateMachineVersions", 100)
    return {"stateMachineVersions": page, "nextToken": token}
