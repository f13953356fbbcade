"""How far an execution is, read out of the events of real ones."""

from __future__ import annotations

import json
import time
from typing import Any

from byoa.plan.workflow.history import failure, progress
from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import Machine, Run, definition, history, until

PASS = {"Type": "Pass"}
REFUSED = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
           "Parameters": {"EndpointName": "nowhere"}}  # fmt: skip
ONCE_MORE = {"Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]}


def told(client: Clients, execution: dict[str, Any]) -> tuple[dict[str, str], Any]:
    events = list(history(client, execution["executionArn"]))
    return {name: one.status for name, one in progress(events).items()}, failure(events)


def test_branches_and_iterations_that_end_well(client: Clients, run: Run):
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": definition(One=dict(PASS)),
    }
    both = {
        "Type": "Parallel",
        "Branches": [definition(Left=dict(PASS)), definition(Each=each)],
    }
    ended = run(definition(Both=both, After=dict(PASS)), {"items": [1, 2, 3]})
    found = progress(history(client, ended["executionArn"]))
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(
        ["Both", "Left", "Each", "One", "After"], "succeeded"
    )
    assert found["One"].runs == 3 and found["Both"].runs == 1


def test_a_retried_and_caught_failure(client: Clients, run: Run):
    catch = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Instead"}]}
    ended = run(
        definition(Look={**REFUSED, **ONCE_MORE, **catch, "Next": "Instead"}, Instead=dict(PASS))
    )
    found = progress(history(client, ended["executionArn"]))
    assert (found["Look"].status, found["Look"].retries) == ("caught", 1)
    assert found["Look"].error == "SageMaker.SageMakerException"
    assert found["Instead"].status == "succeeded"
    assert failure(history(client, ended["executionArn"])) is None


def test_a_failure_in_an_iteration_names_its_state(client: Clients, run: Run):
    wait = {"Type": "Wait", "Seconds": 60}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": definition(Look=dict(REFUSED))}
    both = {"Type": "Parallel", "Branches": [definition(Rest=wait), definition(Each=each)]}
    ended = run(definition(Both=both), {"items": [1]})
    statuses, last = told(client, ended)
    assert statuses == {"Both": "failed", "Rest": "aborted", "Each": "failed", "Look": "failed"}
    assert last[:2] == ("Look", "SageMaker.SageMakerException")


def test_stopped_redriven_and_done(client: Clients, machine: Machine):
    rest = {"Type": "Wait", "SecondsPath": "$.s"}
    arn = machine(definition(First=dict(PASS), Rest=rest, Last=dict(PASS)))
    states = client("stepfunctions")
    started = states.start_execution(stateMachineArn=arn, input=json.dumps({"s": 2}))
    end = time.monotonic() + 60
    while "Rest" not in told(client, started)[0]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert told(client, started)[0] == {"First": "succeeded", "Rest": "running"}
    states.stop_execution(executionArn=started["executionArn"], error="Enough", cause="of it")
    until(client, started["executionArn"])
    assert told(client, started) == (
        {"First": "succeeded", "Rest": "aborted"},
        ("Rest", "Enough", "of it"),
    )
    states.redrive_execution(executionArn=started["executionArn"])
    until(client, started["executionArn"], {"SUCCEEDED"})
    assert told(client, started) == (dict.fromkeys(["First", "Rest", "Last"], "succeeded"), None)
