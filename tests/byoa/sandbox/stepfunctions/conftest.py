"""State machines that are made, run and read again."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients

ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
COUNT = itertools.count()
Machine = Callable[..., str]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def states_role(client: Clients) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["states.amazonaws.com", "events.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = f"states-{uuid.uuid4().hex[:8]}"
    made = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def definition(*states: dict[str, Any], **named: dict[str, Any]) -> dict[str, Any]:
    """States one after the other: S1, S2 … or by their names."""
    found = {f"S{at}": dict(state) for at, state in enumerate(states, start=1)} | named
    names = list(found)
    for name, after in zip(names, [*names[1:], None]):
        state = found[name]
        if state["Type"] in {"Succeed", "Fail", "Choice"} or "Next" in state or "End" in state:
            continue
        state.update({"Next": after} if after else {"End": True})
    return {"StartAt": names[0], "States": found}


@pytest.fixture(scope="session")
def machine(client: Clients, states_role: str) -> Machine:
    """Makes a machine of a definition and gives its ARN."""

    def make(told: dict[str, Any], name: str = "", **more: Any) -> str:
        made = client("stepfunctions").create_state_machine(
            name=name or f"machine-{next(COUNT)}",
            definition=json.dumps(told),
            **{"roleArn": states_role, **more},
        )
        return str(made["stateMachineArn"])

    return make


def until(client: Clients, arn: str, wanted: set[str] = ENDED, seconds: float = 60) -> Any:
    """The execution's description once it has a status."""
    end = time.monotonic() + seconds
    while True:
        found = client("stepfunctions").describe_execution(executionArn=arn)
        if found["status"] in wanted:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.03)


@pytest.fixture(scope="session")
def run(client: Clients, machine: Machine) -> Run:
    """Runs a definition to its end."""

    def go(told: dict[str, Any], given: Any = None, **more: Any) -> dict[str, Any]:
        arn = machine(told, **more)
        started = client("stepfunctions").start_execution(
            stateMachineArn=arn, input=json.dumps({} if given is None else given)
        )
        found: dict[str, Any] = until(client, started["executionArn"])
        return found

    return go


def output(execution: dict[str, Any]) -> Any:
    assert execution["status"] == "SUCCEEDED", execution
    return json.loads(execution["output"])


def history(client: Clients, arn: str) -> Iterator[dict[str, Any]]:
    pages = client("stepfunctions").get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=arn):
        yield from page["events"]


def types(client: Clients, arn: str) -> list[str]:
    return [event["type"] for event in history(client, arn)]
