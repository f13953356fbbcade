"""How executions end: errors and who takes them, time limits, a stop, and going on again."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

from tests.byoa.sandbox.conftest import Clients, refused
from tests.byoa.sandbox.stepfunctions.conftest import (
    Machine,
    Run,
    definition,
    history,
    output,
    types,
    until,
)

#: A task that fails until the object is there: SDK calls of S3 in the sandbox.
HEAD = "arn:aws:states:::aws-sdk:s3:getObject"


def get(bucket: str, key: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": HEAD, "Parameters": {"Bucket": bucket, "Key": key}, **more}


def start(client: Clients, arn: str, given: Any = None, **more: Any) -> str:
    started = client("stepfunctions").start_execution(
        stateMachineArn=arn, input=json.dumps({} if given is None else given), **more
    )
    return str(started["executionArn"])


def test_a_retry_and_what_it_counts(client: Clients, run: Run, bucket: str):
    key = uuid.uuid4().hex
    retry = [{"ErrorEquals": ["S3.NoSuchKeyException"], "IntervalSeconds": 1, "MaxAttempts": 2,
              "BackoffRate": 1, "JitterStrategy": "FULL"}]  # fmt: skip
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "S2"}]
    ended = run(
        definition(get(bucket, key, Retry=retry, Catch=catch), {"Type": "Pass"}), {"kept": 1}
    )
    found = output(ended)
    assert found["kept"] == 1 and found["error"]["Error"] == "S3.NoSuchKeyException"
    assert "(Service: S3, Status Code: 404, Request ID: " in found["error"]["Cause"]
    failed = [e for e in history(client, ended["executionArn"]) if e["type"] == "TaskFailed"]
    assert len(failed) == 3
    details = failed[0]["taskFailedEventDetails"]
    assert details["resourceType"] == "aws-sdk:s3" and details["resource"] == "getObject"


def test_which_names_catch(run: Run):
    fail = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Mine", "Cause": "c"}}}
    for names, caught in (
        (["Other"], False),
        (["Mine"], True),
        (["States.TaskFailed"], True),
        (["States.Timeout", "States.ALL"], True),
    ):
        catch = [{"ErrorEquals": [name], "Next": "S2"} for name in names]
        told = definition(
            {"Type": "Parallel", "Branches": [fail], "Catch": catch}, {"Type": "Pass"}
        )
        ended = run(told)
        assert (ended["status"] == "SUCCEEDED") is caught, names
        if not caught:
            assert (ended["error"], ended["cause"]) == ("Mine", "c")


def test_no_catch_takes_a_wrong_definition(run: Run):
    each = {"StartAt": "P", "States": {"P": {"Type": "Pass", "InputPath": "$.no", "End": True}}}
    told = definition(
        {"Type": "Parallel", "Branches": [each],
         "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S2"}]},
        {"Type": "Pass"},
    )  # fmt: skip
    assert run(told)["error"] == "States.Runtime"


def test_a_caught_error_in_jsonata(run: Run, bucket: str):
    task = get(bucket, "never")
    task["Arguments"] = task.pop("Parameters")
    catch = {"ErrorEquals": ["States.ALL"], "Next": "S2",
             "Assign": {"why": "{% $states.errorOutput.Error %}"},
             "Output": "{% $states.input.a %}"}  # fmt: skip
    told = definition(
        {**task, "Catch": [catch]}, {"Type": "Pass", "Output": "{% [$why, $states.input] %}"}
    ) | {"QueryLanguage": "JSONata"}
    assert output(run(told, {"a": 1})) == ["S3.NoSuchKeyException", 1]


def test_one_branch_that_fails_ends_the_others(client: Clients, run: Run):
    slow = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
    fail = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
    began = time.monotonic()
    ended = run(definition({"Type": "Parallel", "Branches": [slow, fail]}))
    assert ended["error"] == "E" and time.monotonic() - began < 120
    found = types(client, ended["executionArn"])
    assert "WaitStateAborted" in found and "ParallelStateFailed" in found


def test_the_time_limits(client: Clients, run: Run):
    told = definition({"Type": "Wait", "Seconds": 600}) | {"TimeoutSeconds": 1}
    ended = run(told)
    assert ended["status"] == "TIMED_OUT" and "error" not in ended
    assert types(client, ended["executionArn"])[-1] == "ExecutionTimedOut"
    token = "arn:aws:states:::aws-sdk:sts:getCallerIdentity.waitForTaskToken"
    ended = run(definition({"Type": "Task", "Resource": token, "TimeoutSeconds": 1}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert "TaskTimedOut" in types(client, ended["executionArn"])


def test_a_stop_is_at_once(client: Clients, machine: Machine):
    inner = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
    arn = machine(definition({"Type": "Parallel", "Branches": [inner]}))
    execution, states = start(client, arn), client("stepfunctions")
    wait_for(client, execution, "WaitStateEntered")
    answer = states.stop_execution(executionArn=execution, error="Enough", cause="of it")
    told = states.describe_execution(executionArn=execution)
    assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "Enough", "of it")
    assert told["stopDate"] == answer["stopDate"]
    found = types(client, execution)
    assert found[-3:] == ["WaitStateAborted", "ParallelStateAborted", "ExecutionAborted"]
    states.stop_execution(executionArn=execution)
    assert types(client, execution) == found, "a second stop changes nothing"


def wait_for(client: Clients, execution: str, kind: str) -> None:
    end = time.monotonic() + 30
    while kind not in types(client, execution):
        assert time.monotonic() < end, types(client, execution)
        time.sleep(0.03)


def test_a_redrive_goes_on_where_it_failed(client: Clients, machine: Machine, bucket: str):
    key, states = uuid.uuid4().hex, client("stepfunctions")
    told = definition(
        {"Type": "Pass", "Parameters": {"first.$": "States.UUID()"}, "Assign": {"v": 5}},
        get(bucket, key, ResultSelector={"redrives.$": "$$.Execution.RedriveCount",
                                         "retries.$": "$$.State.RetryCount", "v.$": "$v"},
            ResultPath="$.got",
            Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]),
    )  # fmt: skip
    execution = start(client, machine(told))
    failed = until(client, execution)
    assert failed["status"] == "FAILED" and failed["redriveStatus"] == "REDRIVABLE"
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"now")
    assert "redriveDate" in states.redrive_execution(executionArn=execution)
    done = until(client, execution)
    assert output(done)["got"] == {"redrives": 1, "retries": 0, "v": 5}
    assert done["redriveCount"] == 1 and "error" not in done
    assert done["redriveStatus"] == "NOT_REDRIVABLE"
    found = list(history(client, execution))
    kinds = [event["type"] for event in found]
    assert kinds.count("PassStateEntered") == 1 and kinds.count("ExecutionRedriven") == 1
    assert [event["id"] for event in found] == list(range(1, len(found) + 1))
    code, text = refused(states.redrive_execution, executionArn=execution)
    assert (code, text) == (
        "ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven",
    )  # fmt: skip


def test_a_redrive_runs_only_the_branches_that_failed(
    client: Clients, machine: Machine, bucket: str
):
    key = uuid.uuid4().hex
    good = {"StartAt": "G", "States": {"G": {"Type": "Pass", "Result": "good", "End": True}}}
    bad = {"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 1, "Next": "Get"},
                                      "Get": get(bucket, key, End=True)}}  # fmt: skip
    told = definition({"Type": "Parallel", "Branches": [good, bad], "ResultSelector": {
        "all.$": "$[0]"}})  # fmt: skip
    execution = start(client, machine(told))
    assert until(client, execution)["error"] == "S3.NoSuchKeyException"
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"now")
    client("stepfunctions").redrive_execution(executionArn=execution)
    assert output(until(client, execution)) == {"all": "good"}
    kinds = types(client, execution)
    assert kinds.count("PassStateEntered") == kinds.count("WaitStateEntered") == 1


def test_a_name_is_used_once(client: Clients, machine: Machine):
    arn, states = machine(definition({"Type": "Wait", "Seconds": 600})), client("stepfunctions")
    first = start(client, arn, {"a": 1}, name="twice")
    assert start(client, arn, {"a": 1}, name="twice") == first
    code, _ = refused(states.start_execution, stateMachineArn=arn, name="twice", input="{}")
    assert code == "ExecutionAlreadyExists"
    states.stop_execution(executionArn=first)
    code, _ = refused(states.start_execution, stateMachineArn=arn, name="twice", input='{"a": 1}')
    assert code == "ExecutionAlreadyExists"


def test_a_task_token(client: Clients, machine: Machine):
    """The token goes out in the parameters; who has it ends the task."""
    states = client("stepfunctions")
    put = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter.waitForTaskToken",
           "HeartbeatSeconds": 60,
           "Parameters": {"Name.$": "$.name", "Type": "String", "Overwrite": True,
                          "Value.$": "$$.Task.Token"}}  # fmt: skip
    arn = machine(definition(put))
    for end, wanted in (
        (lambda token: states.send_task_success(taskToken=token, output='{"a": 1}'), "SUCCEEDED"),
        (lambda token: states.send_task_failure(taskToken=token, error="No"), "FAILED"),
    ):
        name = f"/token/{uuid.uuid4().hex}"
        execution = start(client, arn, {"name": name})
        wait_for(client, execution, "TaskSubmitted")
        token = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        states.send_task_heartbeat(taskToken=token)
        end(token)
        ended = until(client, execution)
        assert ended["status"] == wanted
        assert ended.get("output", ended.get("error")) in ('{"a":1}', "No")
        assert refused(states.send_task_heartbeat, taskToken=token)[0] == "TaskTimedOut"


def test_a_deleted_machine_ends_its_executions(client: Clients, machine: Machine):
    states = client("stepfunctions")
    arn = machine(definition({"Type": "Wait", "Seconds": 1}, {"Type": "Wait", "Seconds": 600}))
    execution = start(client, arn)
    states.delete_state_machine(stateMachineArn=arn)
    assert states.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
    assert refused(states.start_execution, stateMachineArn=arn)[0] == "StateMachineDeleting"
    assert until(client, execution)["status"] == "ABORTED"
    end = time.monotonic() + 60
    while arn in [one["stateMachineArn"] for one in states.list_state_machines()["stateMachines"]]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_nothing_waits_for_a_thread_that_is_gone(client: Clients, machine: Machine):
    """Stops from many sides, while the execution is about to end by itself."""
    arn, states = machine(definition({"Type": "Wait", "Seconds": 1})), client("stepfunctions")
    runs = [start(client, arn) for _ in range(5)]
    time.sleep(0.9)
    threads = [
        threading.Thread(target=states.stop_execution, kwargs={"executionArn": one}) for one in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in runs:
        assert until(client, one)["status"] in {"ABORTED", "SUCCEEDED"}
        assert types(client, one)[-1] in {"ExecutionAborted", "ExecutionSucceeded"}
