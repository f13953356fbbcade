"""A Task state's work: Lambda functions, AWS operations, jobs that are waited for, callbacks."""

from __future__ import annotations

import copy
import json
from typing import Any

from byoa.sandbox.stepfunctions import calls, permits, resources, sync, tokens
from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.course import Course, check_size
from byoa.sandbox.stepfunctions.errors import ExpiredError, StateError, runtime
from byoa.sandbox.stepfunctions.history import data, text
from byoa.sandbox.stepfunctions.resources import Resource
from byoa.sandbox.stepfunctions.scope import Scope

#: Step Functions marks the jobs that it waits for.
MANAGED = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
#: What takes its time is called in a thread of its own, which a stop leaves behind.
SLOW = {"lambda:invoke", "sagemakerruntime:invokeEndpoint", "states:startSyncExecution"}


def task(course: Course, scope: Scope) -> Any:
    """The work of a Task within its TimeoutSeconds."""
    arn = scope.state["Resource"]
    arn = scope.fill(arn, "Resource") if scope.jsonata else arn
    seconds = scope.number("TimeoutSeconds")
    clock = Clock(course.clock, seconds)
    work = function if resources.LAMBDA.fullmatch(arn) else integration
    try:
        return work(course, scope, arn, clock)
    except ExpiredError as expired:
        if expired.owner is not clock:
            raise
        told = {} if work is function else resources.read(arn).told
        kind = "LambdaFunctionTimedOut" if work is function else "TaskTimedOut"
        course.events.add(kind, {**told, "error": "States.Timeout"})
        raise StateError("States.Timeout") from None
    finally:
        clock.close()


def times(scope: Scope) -> dict[str, int]:
    """What the events say of a task's limits."""
    found = {"timeoutInSeconds": scope.number("TimeoutSeconds"),
             "heartbeatInSeconds": scope.number("HeartbeatSeconds")}  # fmt: skip
    return {name: int(value) for name, value in found.items() if value is not None}


def function(course: Course, scope: Scope, arn: str, clock: Clock) -> Any:
    """A Task whose Resource is a function: the input is its event, its answer the result."""
    payload = scope.arguments()
    told = {"resource": arn, **data("input", payload), **times(scope)}
    course.events.add("LambdaFunctionScheduled", told)
    course.events.add("LambdaFunctionStarted")
    invoke = Resource(False, "lambda", "invoke", "")
    region = arn.split(":")[3]
    parameters = {"FunctionName": arn, "Payload": payload}
    try:
        permits.check(arn, invoke, {}, course.run)
        answer = clock.call(lambda: invoked(invoke, parameters, region))["Payload"]
        check_size(arn, answer)
    except StateError as error:
        course.events.add("LambdaFunctionFailed", {"error": error.name, "cause": error.cause})
        raise
    course.events.add("LambdaFunctionSucceeded", data("output", answer))
    return answer


def integration(course: Course, scope: Scope, arn: str, clock: Clock) -> Any:
    """A Task whose Resource is arn:aws:states:::service:action.manner."""
    resource = resources.read(arn)
    if resource.manner == "waitForTaskToken":
        scope.context["Task"] = {"Token": tokens.new()}
    parameters = scope.arguments()
    if not isinstance(parameters, dict):
        raise runtime("The Parameters of a Task have to be an object")
    region = course.run.region
    told = {**resource.told, "region": region, "parameters": text(parameters), **times(scope)}
    course.events.add("TaskScheduled", told)
    course.events.add("TaskStarted", resource.told)
    asked = course.events.last
    try:
        result = carried_out(course, scope, resource, copy.deepcopy(parameters), clock)
        check_size(scope.context["State"]["Name"], result)
    except StateError as error:
        refused = bool(resource.manner) and course.events.last == asked
        told_error = {**resource.told, "error": error.name, "cause": error.cause}
        course.events.add("TaskSubmitFailed" if refused else "TaskFailed", told_error)
        raise
    finally:
        tokens.forget(scope.context.pop("Task", {}).get("Token", ""))
    course.events.add("TaskSucceeded", {**resource.told, **data("output", result)})
    return result


def carried_out(
    course: Course, scope: Scope, resource: Resource, parameters: dict[str, Any], clock: Clock
) -> Any:
    job = sync.job_of(resource) if resource.manner.startswith("sync") else None
    if resource.manner.startswith("sync") and (job is None or resource.sdk):
        raise runtime(f"The sandbox carries out no {resource.kind}:{resource.name}.")
    permits.check(resource.arn, resource, parameters, course.run)
    clock.check()  # nothing is started for an execution that was stopped meanwhile
    answer = started(course, resource, parameters, job is not None, clock)
    if not resource.manner:
        return answer
    course.events.add("TaskSubmitted", {**resource.told, **data("output", answer)})
    if job is not None:
        asked = job.ask(parameters, answer)
        return sync.follow(resource, job, asked, course.run.region, clock)
    return tokens.wait(scope.context["Task"]["Token"], scope.number("HeartbeatSeconds"), clock)


def started(
    course: Course, resource: Resource, parameters: dict[str, Any], waited: bool, clock: Clock
) -> dict[str, Any]:
    """The answer to the call itself."""
    region = course.run.region
    service = f"{resource.service}:{resource.action}"
    if waited and resource.service == "sagemaker":
        parameters["Tags"] = [*parameters.get("Tags", []), MANAGED]
    if not resource.sdk and service == "lambda:invoke":
        return clock.call(lambda: invoked(resource, parameters, region))
    if service in SLOW:
        return clock.call(lambda: calls.call(resource, parameters, region))
    return calls.call(resource, parameters, region)


def invoked(resource: Resource, parameters: dict[str, Any], region: str) -> dict[str, Any]:
    """A function's answer; what it raised is an error by its type's name, with all it said."""
    answer = calls.call(resource, parameters, region)
    said = answer.get("Payload", "")
    if answer.get("FunctionError"):
        try:
            name = json.loads(said)["errorType"]
        except (ValueError, TypeError, KeyError):
            name = "Lambda.Unknown"
        raise StateError(str(name), said)
    answer["Payload"] = calls.parsed(said) if said else None
    return answer
