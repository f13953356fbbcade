"""Step Functions' API: executions are ours; moto keeps machines, with tags and aliases."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox import answers, shapes
from byoa.sandbox.hooks import Sandbox, not_implemented
from byoa.sandbox.sagemaker import root
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.stepfunctions import callbacks, described, keeping, listing, logbook, machines
from byoa.sandbox.stepfunctions.executions import Execution, parse_input
from byoa.sandbox.stepfunctions.machine import Machine
from byoa.sandbox.stepfunctions.store import Store, store_of
from byoa.sandbox.wire import Call

Request = dict[str, Any]


def start(store: Store, request: Request) -> Request:
    execution = started(store, request, "StartExecution")
    return {"executionArn": execution.arn, "startDate": execution.started}


def started(store: Store, request: Request, operation: str) -> Execution:
    """A new execution; the very same request again finds the first, while it runs."""
    given = parse_input(request.get("input"), operation)
    machine = machines.find(store.region, request["stateMachineArn"], operation)
    keeping.existing(store.region, machine.arn, operation)
    name = request.get("name") or str(uuid.uuid4())
    kind = "express" if machine.kind == "EXPRESS" else "execution"
    arn = f"arn:aws:states:{store.region}:{ACCOUNT}:{kind}:{machine.name}:{name}"
    if kind == "express":
        arn += f":{uuid.uuid4()}"
    with store.lock:
        there = store.found.get(arn)
        if there is not None:
            if there.status == "RUNNING" and there.input == given:
                return there
            text = f"Execution Already Exists: '{arn}'"
            raise ServiceError("ExecutionAlreadyExists", text, operation)
        execution = Execution(arn, name, machine, store.region, given)
        store.found[arn] = execution
    logbook.follow(execution, store.root)
    execution.listeners.append(logbook.tell)
    execution.start()
    return execution


def start_sync(store: Store, request: Request) -> Request:
    machine = machines.find(store.region, request["stateMachineArn"], "StartSyncExecution")
    if machine.kind != "EXPRESS":
        text = "This operation is not supported by this type of state machine"
        raise ServiceError("StateMachineTypeNotSupported", text, "StartSyncExecution")
    execution = started(store, request, "StartSyncExecution")
    execution.ended.wait(300)
    if execution.status == "RUNNING":
        execution.end(execution.clock, "TIMED_OUT", len(execution.history.events))
        execution.clock.stop()
    passed = (execution.stopped or execution.started) - execution.started
    spent = -(-int(passed.total_seconds() * 1000) // 100) * 100
    return {
        **described.whole(execution),
        "billingDetails": {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": spent},
    }


def stop(store: Store, request: Request) -> Request:
    execution = store.get(request["executionArn"], "StopExecution")
    execution.stop(request.get("error", ""), request.get("cause", ""))
    return {"stopDate": execution.stopped}


def redrive(store: Store, request: Request) -> Request:
    execution = store.get(request["executionArn"], "RedriveExecution")
    execution.redrive()
    return {"redriveDate": execution.redriven}


def describe(store: Store, request: Request) -> Request:
    return described.whole(store.get(request["executionArn"], "DescribeExecution"))


def describe_machine(store: Store, request: Request) -> Request:
    execution = store.get(request["executionArn"], "DescribeStateMachineForExecution")
    machine: Machine = execution.machine
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": machine.source,
        "roleArn": machine.role,
        "updateDate": execution.started,
        "loggingConfiguration": dict(machine.logging),
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }


def describe_map_run(store: Store, request: Request) -> Request:
    return store.map_run(request["mapRunArn"], "DescribeMapRun").described()


def update_map_run(store: Store, request: Request) -> Request:
    """Its tolerance from now on; how many run at once was settled at its start."""
    run = store.map_run(request["mapRunArn"], "UpdateMapRun")
    run.tolerated = request.get("toleratedFailureCount", run.tolerated)
    run.tolerated_share = request.get("toleratedFailurePercentage", run.tolerated_share)
    return {}


def delete_machine(store: Store, request: Request) -> Request:
    return keeping.delete(store.region, request, store.of(request["stateMachineArn"]))


def validate(store: Store, request: Request) -> Request:
    found = machines.problems_of(request["definition"])
    worst = any(one["severity"] == "ERROR" for one in found)
    return {"result": "FAIL" if worst else "OK", "diagnostics": found, "truncated": False}


OPERATIONS: dict[str, Callable[[Store, Request], Request]] = {
    "StartExecution": start,
    "StartSyncExecution": start_sync,
    "StopExecution": stop,
    "RedriveExecution": redrive,
    "DescribeExecution": describe,
    "DescribeStateMachineForExecution": describe_machine,
    "ListExecutions": listing.list_executions,
    "GetExecutionHistory": listing.history,
    "ListMapRuns": listing.list_map_runs,
    "DescribeMapRun": describe_map_run,
    "UpdateMapRun": update_map_run,
    "SendTaskSuccess": callbacks.task_success,
    "SendTaskFailure": callbacks.task_failure,
    "SendTaskHeartbeat": callbacks.task_heartbeat,
    "ValidateStateMachineDefinition": validate,
    "CreateStateMachine": lambda store, request: keeping.create(store.region, request),
    "UpdateStateMachine": lambda store, request: keeping.update(store.region, request),
    "DescribeStateMachine": lambda store, request: keeping.describe(store.region, request),
    "DeleteStateMachine": delete_machine,
    "ListStateMachineVersions": listing.list_versions,
    "PublishStateMachineVersion": lambda s, request: keeping.publish_version(s.region, request),
    "DeleteStateMachineVersion": lambda s, request: keeping.delete_version(s.region, request),
}


#: The members that name something of Step Functions, and what kind of thing it is.
ARNS = {
    "stateMachineArn": re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:.+"),
    "executionArn": re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:(execution|express):.+"),
    "mapRunArn": re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:mapRun:.+"),
}


def check_arns(call: Call) -> None:
    for name, pattern in ARNS.items():
        arn = call.parameters.get(name)
        if arn is not None and not pattern.fullmatch(arn):
            raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'", call.operation)


def states(sandbox: Sandbox, call: Call) -> Response | None:
    """What OPERATIONS holds is answered here; the rest (tags, aliases, activities) is moto's."""
    try:
        call.model  # noqa: B018
    except Exception as error:  # botocore has no such operation
        raise not_implemented(call) from error
    shapes.check(call, "ValidationException")
    check_arns(call)
    act = OPERATIONS.get(call.operation)
    if act is not None:
        region = call.region or sandbox.state.region
        return answers.answer(
            call, act(store_of(region, root(sandbox.state, region)), call.parameters)
        )
    return None
