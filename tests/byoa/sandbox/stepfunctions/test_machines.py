"""Machines: what is refused, kept, versioned; what an execution leaves in logs and events."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients, refused
from tests.byoa.sandbox.stepfunctions.conftest import Machine, definition, output, until

PASS = json.dumps(definition({"Type": "Pass", "Result": 1}))
OTHER = json.dumps(definition({"Type": "Pass", "Result": 2}))


def test_what_is_refused(client: Clients, states_role: str, role: str):
    states = client("stepfunctions")

    def create(**more: Any) -> tuple[str, str]:
        given = {"name": "refused", "definition": PASS, "roleArn": states_role}
        return refused(states.create_state_machine, **given | more)

    code, text = create(definition='{"StartAt": "A", "States": {}}')
    assert code == "InvalidDefinition"
    code, text = create(definition=PASS.replace('"End": true', '"Next": "Nowhere"'))
    assert code == "InvalidDefinition" and "S1" in text and "Nowhere" in text
    code, text = create(roleArn=role)
    assert code == "AccessDeniedException" and "states.amazonaws.com" in text
    code, _ = create(loggingConfiguration={"level": "ALL"})
    assert code == "InvalidLoggingConfiguration"
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:missing"
    assert refused(states.describe_state_machine, stateMachineArn=arn)[0] == (
        "StateMachineDoesNotExist"
    )
    assert refused(states.start_execution, stateMachineArn=arn)[0] == "StateMachineDoesNotExist"
    assert refused(states.describe_state_machine, stateMachineArn="x")[0] == "InvalidArn"
    assert refused(states.describe_execution, executionArn=arn)[0] == "InvalidArn"
    assert refused(states.list_executions)[0] == "ValidationException"
    missing = arn.replace(":stateMachine:", ":execution:") + ":x"
    assert refused(states.describe_execution, executionArn=missing)[0] == "ExecutionDoesNotExist"


def test_a_definition_is_judged_without_making_a_machine(client: Clients):
    states = client("stepfunctions")
    assert states.validate_state_machine_definition(definition=PASS)["result"] == "OK"
    wrong = PASS.replace('"End": true', '"Next": "Nowhere"')
    found = states.validate_state_machine_definition(definition=wrong)
    assert found["result"] == "FAIL"
    assert "/States/S1" in {one["location"] for one in found["diagnostics"]}


def test_a_machine_from_its_making_to_its_end(client: Clients, states_role: str):
    states, name = client("stepfunctions"), f"life-{uuid.uuid4().hex[:8]}"
    given = {"name": name, "definition": PASS, "roleArn": states_role}
    tags = [{"key": "byoa:project", "value": "p"}]
    arn = states.create_state_machine(**given, tags=tags)["stateMachineArn"]
    assert states.create_state_machine(**given)["stateMachineArn"] == arn, "the same again is fine"
    code, _ = refused(states.create_state_machine, **given | {"definition": OTHER})
    assert code == "StateMachineAlreadyExists"
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == tags

    first = states.update_state_machine(stateMachineArn=arn, definition=OTHER, publish=True)
    version = first["stateMachineVersionArn"]
    assert version == f"{arn}:1"
    told = states.describe_state_machine(stateMachineArn=arn)
    assert told["definition"] == OTHER and told["revisionId"] == first["revisionId"]
    assert told["status"] == "ACTIVE" and told["loggingConfiguration"] == {"level": "OFF"}
    states.update_state_machine(stateMachineArn=arn, definition=PASS)
    second = states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    listed = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [one["stateMachineVersionArn"] for one in listed] == [second, version]

    alias = states.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}]
    )["stateMachineAliasArn"]
    for target, wanted in ((arn, 1), (version, 2), (alias, 2)):
        started = states.start_execution(stateMachineArn=target)
        assert output(until(client, started["executionArn"])) == wanted, target
    by_version = states.list_executions(stateMachineArn=version)["executions"]
    assert len(by_version) == 2 and by_version[0]["stateMachineVersionArn"] == version
    code, _ = refused(states.delete_state_machine_version, stateMachineVersionArn=version)
    assert code == "ConflictException"
    code, _ = refused(states.update_state_machine, stateMachineArn=arn)
    assert code == "MissingRequiredParameter"
    states.delete_state_machine(stateMachineArn=arn)
    assert refused(states.describe_state_machine, stateMachineArn=arn)[0] == (
        "StateMachineDoesNotExist"
    )


def test_pages(client: Clients, machine: Machine):
    arn, states = machine(definition({"Type": "Pass"}, {"Type": "Pass"})), client("stepfunctions")
    for at in range(3):
        started = states.start_execution(stateMachineArn=arn, name=f"e{at}")
        until(client, started["executionArn"])
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=arn, PaginationConfig={"PageSize": 2}
    )
    assert [one["name"] for page in pages for one in page["executions"]] == ["e2", "e1", "e0"]
    execution = started["executionArn"]
    events = states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=2)
    assert [event["type"] for event in events["events"]] == [
        "ExecutionSucceeded", "PassStateExited",
    ]  # fmt: skip
    bare = states.get_execution_history(executionArn=execution, includeExecutionData=False)
    assert "input" not in bare["events"][0]["executionStartedEventDetails"]
    code, _ = refused(states.get_execution_history, executionArn=execution, nextToken="x")
    assert code == "InvalidToken"


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("ALL", ["ExecutionStarted", "PassStateEntered", "PassStateExited", "FailStateEntered",
                 "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
    ],
)  # fmt: skip
def test_logs(client: Clients, machine: Machine, level: str, kinds: list[str]):
    group, logs = f"/aws/vendedlogs/states/{uuid.uuid4().hex}", client("logs")
    logs.create_log_group(logGroupName=group)
    place = {"logGroupArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"}
    arn = machine(
        definition({"Type": "Pass"}, {"Type": "Fail", "Error": "E"}),
        loggingConfiguration={"level": level, "includeExecutionData": level == "ALL",
                              "destinations": [{"cloudWatchLogsLogGroup": place}]},
    )  # fmt: skip
    started = client("stepfunctions").start_execution(stateMachineArn=arn, input='{"a":1}')
    until(client, started["executionArn"])
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(
        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    lines = [json.loads(event["message"]) for event in events]
    assert [line["type"] for line in lines] == kinds
    assert ("input" in lines[0]["details"]) is (level == "ALL")
    assert lines[0]["execution_arn"] == started["executionArn"]


def test_eventbridge_hears_of_executions(client: Clients, machine: Machine, states_role: str):
    """A machine that starts when another one failed."""
    fails, mark = machine(definition({"Type": "Fail", "Error": "E"})), uuid.uuid4().hex
    follows, events = machine(definition({"Type": "Succeed"})), client("events")
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [fails],
                                                    "status": ["FAILED"]}}  # fmt: skip
    events.put_rule(Name=mark, EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": follows, "RoleArn": states_role, "InputPath": "$.detail"}
    events.put_targets(Rule=mark, Targets=[target])
    states = client("stepfunctions")
    failed = states.start_execution(stateMachineArn=fails)["executionArn"]
    end = time.monotonic() + 20
    while not (found := states.list_executions(stateMachineArn=follows)["executions"]):
        assert time.monotonic() < end
        time.sleep(0.05)
    told = json.loads(until(client, found[0]["executionArn"])["input"])
    assert told["executionArn"] == failed and told["error"] == "E"
    events.remove_targets(Rule=mark, Ids=["1"])
    events.delete_rule(Name=mark)


def test_express_machines_answer_at_once(client: Clients, machine: Machine, sandbox: Any):
    import boto3
    from botocore.config import Config

    states = boto3.client(
        "stepfunctions", region_name="us-east-1", endpoint_url=sandbox.url,
        aws_access_key_id=sandbox.access_key, aws_secret_access_key=sandbox.secret_key,
        config=Config(inject_host_prefix=False),
    )  # fmt: skip
    arn = machine(definition({"Type": "Pass", "Result": [1]}), type="EXPRESS")
    answer = states.start_sync_execution(stateMachineArn=arn)
    assert answer["status"] == "SUCCEEDED" and json.loads(answer["output"]) == [1]
    slow = machine(definition({"Type": "Pass"}))
    assert refused(states.start_sync_execution, stateMachineArn=slow)[0] == (
        "StateMachineTypeNotSupported"
    )
