from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow import requests
from byoa.plan.workflow.inputs import with_schema
from byoa.plan.workflow.requests import Machine, Names
from tests.byoa.plan.service_model import accepted

ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:faces"
ROLE = "arn:aws:iam::123456789012:role/r"
GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/x"
DEFINITION: dict[str, Any] = {
    "StartAt": "Load",
    "States": {
        "Load": {"Type": "Pass", "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "L", "States": {"L": {"Type": "Succeed"}}}],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}},
            "End": True,
        },
    },
}


def machine(**fields: Any) -> Machine:
    return Machine(**{"name": "faces", "definition": DEFINITION, "role": ROLE, **fields})


def described(made: Machine) -> dict[str, Any]:
    """What describe_state_machine would say of it."""
    request = requests.create_request(made)
    return {**request, "stateMachineArn": ARN, "status": "ACTIVE"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tags": {"byoa:project": "p", "a b": ""}},
        {"log_level": "ALL", "log_group": GROUP},
        {"log_level": "ERROR", "log_group": GROUP + ":*", "tracing": True},
    ],
)
@pytest.mark.parametrize("version", [None, "", "the second"])
def test_aws_takes_the_machine(fields: dict[str, Any], version: str | None):
    made = machine(**fields)
    request = accepted(
        "stepfunctions", "CreateStateMachine", requests.create_request(made, version)
    )
    assert json.loads(request["definition"]) == DEFINITION
    assert request["type"] == "STANDARD"
    assert request.get("publish", False) is (version is not None)
    assert request.get("versionDescription", "") == (version or "")
    update = requests.update_request(ARN, made, version)
    accepted("stepfunctions", "UpdateStateMachine", update)
    logging = request["loggingConfiguration"]
    if fields.get("log_group"):
        [destination] = logging["destinations"]
        assert destination["cloudWatchLogsLogGroup"]["logGroupArn"] == GROUP + ":*"
    else:
        assert logging == {"level": "OFF"}  # said, so that an update turns it off


def test_aws_takes_the_other_requests():
    made = {
        "StartExecution": requests.start_request(ARN, "a_1-b", {"a": int}, {"a": 1}),
        "StopExecution": requests.stop_request(ARN, "Stopped", "enough"),
        "RedriveExecution": requests.redrive_request(ARN, "0123abc"),
        "PublishStateMachineVersion": requests.publish_request(ARN, "id", "the first"),
        "TagResource": requests.tag_request(ARN, {"a": "b"}),
        "UntagResource": requests.untag_request(ARN, ["a"]),
    }
    for operation, request in made.items():
        accepted("stepfunctions", operation, request)
    assert made["TagResource"]["tags"] == [{"key": "a", "value": "b"}]
    assert json.loads(made["StartExecution"]["input"]) == {"a": 1}
    assert "error" not in requests.stop_request(ARN)


@pytest.mark.parametrize("name", ["", "a b", "a" * 81, "a:b", "é", "a.b"])
def test_names_that_aws_or_its_logs_refuse_are_told(name: str):
    with pytest.raises(UsageError, match="name"):
        requests.create_request(machine(name=name))
    with pytest.raises(UsageError, match="name"):
        requests.start_request(ARN, name, {}, {})


def test_an_equal_machine_has_no_changes_however_its_json_is_spaced():
    made = machine(log_level="ALL", log_group=GROUP, tracing=True)
    assert made.logging["includeExecutionData"] is False  # no input, no presigned address
    found = described(made)
    found["definition"] = json.dumps(json.loads(found["definition"]), sort_keys=True)
    assert requests.changes(found, made) == []
    assert requests.changes(described(machine()), machine()) == []
    without = {k: v for k, v in described(machine()).items() if "Configuration" not in k}
    assert requests.changes(without, machine()) == []


def changed(*path: Any, to: Any) -> dict[str, Any]:
    made = json.loads(json.dumps(DEFINITION))
    where = made
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = to
    return dict(made)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (changed("States", "Load", "Comment", to="x"), ["states changed: Load"]),
        (
            changed("States", "Both", "Branches", 0, "States", "L", to={"Type": "Fail"}),
            ["states changed: L"],
        ),
        (
            changed("States", "Each", "ItemProcessor", "ProcessorConfig", to={"Mode": "INLINE"}),
            ["states changed: Each"],
        ),
        (changed("States", "New", to={"Type": "Succeed"}), ["states new: New"]),
        (changed("TimeoutSeconds", to=60), ["TimeoutSeconds: null -> 60"]),
        (changed("Comment", to="Hello."), ["comment: '' -> 'Hello.'"]),
        (with_schema(DEFINITION, {"a": int}), ['input: {} -> {"a": "int"}']),
    ],
)
def test_a_change_is_told_where_it_is(definition: dict[str, Any], said: list[str]):
    assert requests.changes(described(machine()), machine(definition=definition)) == said


def test_a_state_that_is_gone_role_logging_and_tracing_are_told():
    fewer = json.loads(json.dumps(DEFINITION))
    del fewer["States"]["Both"]
    made = machine(
        definition=fewer, role=ROLE + "2", log_level="ALL", log_group=GROUP, tracing=True
    )
    assert requests.changes(described(machine()), made) == [
        "states gone: Both, L",
        f"role: {ROLE} -> {ROLE}2",
        f"logging: OFF -> ALL to {GROUP}",
        "tracing: off -> on",
    ]


def test_tags_are_added_changed_and_removed_but_aws_own():
    now = {"a": "1", "b": "2", "c": "3", "aws:cloudformation:stack-name": "s"}
    then = {"a": "1", "b": "x", "d": "4"}
    assert requests.tag_changes(now, then) == ({"b": "x", "d": "4"}, ["c"])
    assert list(requests.tag_words(now, then)) == [
        "tag b: 2 -> x",
        "tag d=4: new",
        "tag c=3: removed",
    ]
    assert requests.tag_changes(then, then) == ({}, [])


SAFE = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", fullmatch=True)


@given(SAFE, st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True))
def test_what_belongs_to_a_workflow_has_names_that_aws_takes(project: str, workflow: str):
    names = Names(project, workflow)
    roles = {names.role, names.events_role}
    assert len(roles) == 2
    for role in roles:
        assert len(role) <= 64
        assert role.startswith(f"byoa-{project}+"[:20]) or "+" not in role
    assert len(names.log_group) <= 512


def test_two_long_names_stay_two():
    roles = {Names("p", f"{'w' * 70}{end}").role for end in "ab"}
    assert len(roles) == 2
    assert all(role.startswith("byoa-p+workflow-") for role in roles)
    assert Names("a", "b").role == "byoa-a+workflow-b"


def test_json_is_compared_by_what_it_says():
    assert requests.equal_json('{"a": 1, "b": 2}', '{"b":2,"a":1}')
    assert not requests.equal_json("1", "2")
    assert requests.equal_json("{", "{")
