"""Stacks in the sandbox of the folder above: made, waited for, and away at the end."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients

NUMBERS = itertools.count()
#: CI's machine is slow; a stack here takes about a second.
SECONDS = 60.0
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": [
                    "lambda.amazonaws.com",
                    "codebuild.amazonaws.com",
                    "states.amazonaws.com",
                    "events.amazonaws.com",
                ]
            },
            "Action": "sts:AssumeRole",
        }
    ],
}

Template = Mapping[str, Any]


class Stacks:
    """What a test does with stacks."""

    def __init__(self, client: Clients) -> None:
        self.client = client("cloudformation")
        self.made: list[str] = []

    def name(self) -> str:
        name = f"stack-{next(NUMBERS)}"
        self.made.append(name)
        return name

    def create(self, template: Template, **request: Any) -> dict[str, Any]:
        """The stack when it has settled."""
        name = request.pop("StackName", None) or self.name()
        request.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        self.client.create_stack(StackName=name, TemplateBody=json.dumps(template), **request)
        return self.settled(name)

    def update(self, name: str, template: Template, **request: Any) -> dict[str, Any]:
        request.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        self.client.update_stack(StackName=name, TemplateBody=json.dumps(template), **request)
        return self.settled(name)

    def delete(self, name: str, **request: Any) -> dict[str, Any]:
        identity = self.client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.client.delete_stack(StackName=name, **request)
        return self.settled(identity)

    def settled(self, name: str) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            stack: dict[str, Any] = self.client.describe_stacks(StackName=name)["Stacks"][0]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                return stack
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {stack['StackStatus']}")

    def reasons(self, name: str) -> dict[str, str]:
        """What the failed resources' events say."""
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return {
            event["LogicalResourceId"]: event.get("ResourceStatusReason", "")
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        }


@pytest.fixture
def stacks(client: Clients) -> Iterator[Stacks]:
    yield Stacks(client)


Make = Callable[..., Any]
