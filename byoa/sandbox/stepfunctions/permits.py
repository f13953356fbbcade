"""Whether the machine's role may do what a task is about to do, as it is on AWS."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.permissions import execution_policy
from byoa.sandbox.policies import may
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.stepfunctions import resources
from byoa.sandbox.stepfunctions.course import Run
from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.resources import Resource
from byoa.sandbox.wire import service_model

Need = tuple[str, list[str], dict[str, str]]


def needs(arn: str, parameters: Mapping[str, Any], region: str) -> Iterator[Need]:
    """Each action, the spellings of one resource of it (one is enough), and its context."""
    state = {"Type": "Task", "Resource": arn, "Parameters": dict(parameters), "End": True}
    machine = {"StartAt": "Task", "States": {"Task": state}}
    try:
        policy = execution_policy(machine, account=ACCOUNT, region=region)
    except UsageError:
        return  # nobody can say what it takes
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        context = {
            key: str(value)
            for tests in statement.get("Condition", {}).values()
            for key, value in tests.items()
        }
        resources = statement["Resource"]
        every = sorted([resources] if isinstance(resources, str) else resources, key=str.lower)
        for _, spellings in itertools.groupby(every, key=str.lower):
            same = list(spellings)
            for action in statement["Action"]:
                yield action, same, context


def missing(role: str, arn: str, parameters: Mapping[str, Any], region: str) -> tuple[str, str]:
    """The first action that the role may not do, and on what; two empty texts if it may all."""
    for action, spellings, context in needs(arn, parameters, region):
        if not any(may(role, action, one, context) for one in spellings):
            return action, spellings[0]
    return "", ""


def refusal(role: str, execution: str, action: str, on: str) -> str:
    """AWS's sentence."""
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{execution}"
    return (
        f"User: {session} is not authorized to perform: {action} on resource: {on} "
        f"because no identity-based policy allows the {action} action"
    )


def check(arn: str, resource: Resource, parameters: Mapping[str, Any], run: Run) -> None:
    """The error of a service that refuses, in the words of the integration."""
    execution = run.context["Execution"]
    role = execution["RoleArn"]
    action, on = missing(role, arn, parameters, run.region)
    if action:
        code, text = "AccessDeniedException", refusal(role, execution["Name"], action, on)
        name = resources.error_of(resource, code, service_model(resource.client))
        answer = {"Error": {"Code": code, "Message": text}}
        raise StateError(name, resources.cause_of(resource, answer))
