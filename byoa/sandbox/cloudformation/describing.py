"""Stacks as they are shown: their status, their events, their resources."""

from __future__ import annotations

from typing import Any

from byoa.sandbox.cloudformation.stack import Stack, resource_shown
from byoa.sandbox.cloudformation.stacks import Request, Stacks
from byoa.sandbox.cloudformation.template import invalid

#: A stack here takes seconds, and AWS's own waiters ask every thirty: they get a late answer.
PATIENCE = 25.0
#: In a request: it comes from a waiter.
WAITER = "byoa:waiter"


def describe(stacks: Stacks, request: Request) -> dict[str, Any]:
    if request.get("StackName"):
        stack = stacks.get(request["StackName"], "DescribeStacks")
        if stack.busy and request.get(WAITER):
            stack.idle.wait(PATIENCE)
        return {"Stacks": [stack.shown()]}
    return {"Stacks": [stack.shown() for stack in stacks.found if stack.deleted is None][::-1]}


def listed(stacks: Stacks, request: Request) -> dict[str, Any]:
    states = request.get("StackStatusFilter")
    found = [stack for stack in stacks.found[::-1] if not states or stack.status in states]
    return {"StackSummaries": [stack.listed() for stack in found]}


def events(stacks: Stacks, request: Request) -> dict[str, Any]:
    stack = stacks.get(request["StackName"], "DescribeStackEvents")
    with stack.lock:
        return {"StackEvents": [dict(event) for event in stack.events]}


def resources(stacks: Stacks, request: Request) -> dict[str, Any]:
    stack = stacks.get(request["StackName"], "DescribeStackResources")
    wanted = request.get("LogicalResourceId")
    found = [each for name, each in stack.resources.items() if wanted in (None, name)]
    if wanted and not found:
        raise invalid(missing(stack, wanted), "DescribeStackResources")
    return {"StackResources": [resource_shown(stack, each, "Timestamp") for each in found]}


def resource(stacks: Stacks, request: Request) -> dict[str, Any]:
    operation, name = "DescribeStackResource", request["LogicalResourceId"]
    stack = stacks.get(request["StackName"], operation)
    if name not in stack.resources:
        raise invalid(missing(stack, name), operation)
    shown = resource_shown(stack, stack.resources[name], "LastUpdatedTimestamp")
    return {"StackResourceDetail": shown}


def list_resources(stacks: Stacks, request: Request) -> dict[str, Any]:
    stack = stacks.get(request["StackName"], "ListStackResources")
    found = [
        resource_shown(stack, each, "LastUpdatedTimestamp") for each in stack.resources.values()
    ]
    return {"StackResourceSummaries": found}


def missing(stack: Stack, name: str) -> str:
    return f"Resource {name} does not exist for stack {stack.name}"
