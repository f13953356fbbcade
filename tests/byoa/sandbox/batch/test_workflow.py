"""Step Functions' batch:submitJob goes to the sandbox's Batch."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.byoa.sandbox.batch.conftest import PYTHON
from tests.byoa.sandbox.conftest import Clients


@pytest.fixture(scope="module")
def machine_role(client: Clients) -> str:
    iam = client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    made = iam.create_role(
        RoleName="machines",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    allowed = [
        {"Effect": "Allow", "Action": ["batch:*"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["events:*"],
            "Resource": "*",
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_role_policy(RoleName="machines", PolicyName="x", PolicyDocument=document)
    return str(made["Role"]["Arn"])


def execute(client: Clients, role: str, name: str, program: str, **more: Any) -> dict[str, Any]:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {
            "JobName": name,
            "JobQueue": "tests",
            "JobDefinition": "anything",
            "ContainerOverrides": {"Command": [*PYTHON, program]},
        },
        "End": True,
        **more,
    }
    states = client("stepfunctions")
    machine = states.create_state_machine(
        name=name,
        roleArn=role,
        definition=json.dumps({"StartAt": "Job", "States": {"Job": state}}),
    )["stateMachineArn"]
    started = states.start_execution(stateMachineArn=machine, name="one")["executionArn"]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = states.describe_execution(executionArn=started)
        if found["status"] != "RUNNING":
            return dict(found)
        time.sleep(0.1)
    raise AssertionError(f"still running: {found}")


@pytest.mark.usefixtures("queue", "definition")
def test_a_state_waits_for_its_job(client: Clients, machine_role: str):
    done = execute(client, machine_role, "machine-good", "print('hello')")
    assert done["status"] == "SUCCEEDED"
    job = json.loads(done["output"])
    assert (job["Status"], job["Container"]["ExitCode"]) == ("SUCCEEDED", 0)
    failed = execute(client, machine_role, "machine-bad", "raise SystemExit(4)")
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(failed["cause"])["Container"]["ExitCode"] == 4


@pytest.mark.usefixtures("queue", "definition")
def test_a_state_whose_time_is_up_ends_its_job(client: Clients, machine_role: str, batch: Any):
    program = "import time; time.sleep(60)"
    done = execute(client, machine_role, "machine-slow", program, TimeoutSeconds=1)
    assert done["error"] == "States.Timeout"
    named = [{"name": "JOB_NAME", "values": ["machine-slow"]}]
    end = time.monotonic() + 30
    while time.monotonic() < end:
        (job,) = batch.list_jobs(jobQueue="tests", filters=named)["jobSummaryList"]
        if job["status"] == "FAILED":
            return
        time.sleep(0.1)
    raise AssertionError(f"still {job}")
