"""Executions: started once, found by name, stopped, redriven."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from byoa.aws import statemachines
from byoa.aws.statemachines import OVER, utc
from byoa.plan.errors import ByoaError, NotFoundError, UsageError, error_code
from byoa.plan.workflow import requests
from byoa.plan.workflow.history import read
from byoa.plan.workflow.inputs import schema_of
from byoa.workflow.deployment import definition_of
from byoa.workflow.home import Home

#: AWS keeps what a redrive needs for so long.
REDRIVABLE = timedelta(days=14)


def execution_name(now: datetime, unique: str) -> str:
    return f"{now:%Y%m%d-%H%M%S}-{unique}"


def new_name() -> str:
    return execution_name(utc(), secrets.token_hex(3))


def start(home: Home, workflow: str, given: Any, name: str = "") -> dict[str, Any]:
    """describe_execution of a new execution; the same name and input are the same execution."""
    found = home.machine(workflow)
    request = start_request(found, name or new_name(), given)
    try:
        arn = home.states.start_execution(**request)["executionArn"]
    except Exception as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise
        return same(home, found, request)
    return statemachines.describe(home.states, arn)


def start_request(found: Mapping[str, Any], name: str, given: Any) -> dict[str, Any]:
    schema = schema_of(definition_of(found))
    return requests.start_request(found["stateMachineArn"], name, schema, given)


def same(home: Home, found: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The execution that has the name already, if it was given the same input."""
    there = statemachines.describe(home.states, execution_arn(found, request["name"]))
    if requests.equal_json(there.get("input", "{}"), request["input"]):
        return there
    raise UsageError(
        f"The execution {request['name']} of {found['name']} is there already, {there['status']},"
        " and was given another input. Give this one another --name."
    )


def execution_arn(found: Mapping[str, Any], name: str) -> str:
    machine = str(found["stateMachineArn"])
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def find(home: Home, target: str, name: str = "") -> dict[str, Any]:
    """An execution by its ARN, by workflow and name, or the newest one of a workflow."""
    if ":execution:" in target:
        return statemachines.describe(home.states, target)
    found = home.machine(target)
    if name:
        return statemachines.describe(home.states, execution_arn(found, name))
    newest = next(statemachines.executions(home.states, found["stateMachineArn"], most=1), None)
    if newest is None:
        raise NotFoundError(
            f"The workflow {found['name']} has not run yet. Start it: byoa workflow run"
            f" {found['name']}{home.said}"
        )
    return statemachines.describe(home.states, newest["executionArn"])


def definition(home: Home, described: Mapping[str, Any]) -> dict[str, Any]:
    """The definition that an execution runs by; an update since then has not changed it."""
    arn = described["executionArn"]
    return definition_of(home.states.describe_state_machine_for_execution(executionArn=arn))


def stop(home: Home, described: Mapping[str, Any], error: str = "", cause: str = "") -> None:
    """Stops it; one that has ended already stays as it is."""
    if described["status"] not in OVER:
        request = requests.stop_request(described["executionArn"], error, cause)
        home.states.stop_execution(**request)


def ended(home: Home, arn: str) -> dict[str, Any]:
    """Its description once it has ended, or as it is after two minutes."""
    statemachines.wait_until(
        lambda: statemachines.describe(home.states, arn)["status"] in OVER, 120.0
    )
    return statemachines.describe(home.states, arn)


def redrive(home: Home, described: Mapping[str, Any], now: datetime | None = None) -> None:
    """Goes on where it failed; UsageError says why AWS would not."""
    if reason := why_not(described, now or utc()):
        raise UsageError(reason)
    events = statemachines.new_events(home.states, described["executionArn"])
    last = read(events).last
    if last is not None and last.kind == "Fail":
        raise UsageError(
            f"The execution {described['name']} ended in the Fail state {last.name}, and going on"
            f" there would only fail again. {ANEW}"
        )
    token = secrets.token_hex(16)
    try:
        home.states.redrive_execution(**requests.redrive_request(described["executionArn"], token))
    except Exception as error:
        if error_code(error) != "ExecutionNotRedrivable":
            raise
        said = getattr(error, "response", {})["Error"].get("Message", "")
        raise ByoaError(f"AWS does not redrive {described['name']}: {said} {ANEW}") from None


ANEW = "Start it anew: byoa workflow run"


def why_not(described: Mapping[str, Any], now: datetime) -> str:
    """Why an execution cannot be redriven, "" when it can."""
    name, status = described["name"], described["status"]
    said = f"The execution {name} cannot be redriven"
    if status not in OVER:
        return f"{said}: it is {status}. Watch it, or stop it first."
    if status == "SUCCEEDED":
        return f"{said}: it succeeded, nothing is left to do. {ANEW}"
    if now - described["stopDate"] > REDRIVABLE:
        ended = f"{described['stopDate']:%Y-%m-%d}"
        return f"{said}: it ended on {ended}, and AWS keeps what it needs for 14 days. {ANEW}"
    if described.get("redriveStatus") == "NOT_REDRIVABLE":
        reason = described.get("redriveStatusReason") or "AWS says so"
        return f"{said}: {reason.rstrip('.')}. {ANEW}"
    return ""


def listed(home: Home, workflow: str, status: str, most: int) -> Iterator[dict[str, Any]]:
    """A workflow's executions as rows, the newest first."""
    arn = home.machine(workflow)["stateMachineArn"]
    for one in statemachines.executions(home.states, arn, status, most):
        ended = one.get("stopDate")
        yield {
            "execution": one["name"],
            "status": one["status"],
            "started": one["startDate"],
            "seconds": round(((ended or utc()) - one["startDate"]).total_seconds()),
            "redrives": one.get("redriveCount", 0),
        }
