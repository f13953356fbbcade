"""Drift: what is there, compared with what the template says.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from byoa.sandbox.cloudformation.comparison import differences, live
from byoa.sandbox.cloudformation.describing import missing
from byoa.sandbox.cloudformation.kinds import Aws
from byoa.sandbox.cloudformation.stack import Resource, Stack, now
from byoa.sandbox.cloudformation.stacks import Request, Stacks
from byoa.sandbox.cloudformation.template import invalid

IN_SYNC, MODIFIED, DELETED = "IN_SYNC", "MODIFIED", "DELETED"


def detect(stacks: Stacks, request: Request) -> dict[str, Any]:
    """Compares at once; the answer is asked for with the id."""
    stack = stacks.get(request["StackName"], "DetectStackDrift")
    names = request.get("LogicalResourceIds")
    for name, resource in stack.resources.items():
        if names is None or name in names:
            compare(stacks.around.aws, resource)
    states = {resource.drift for resource in stack.resources.values()}
    stack.drift = "DRIFTED" if states & {MODIFIED, DELETED} else IN_SYNC
    stack.drift_checked = now()
    word = str(uuid.uuid4())
    drifted = [each for each in stack.resources.values() if each.drift in {MODIFIED, DELETED}]
    stacks.drifts[word] = {
        "StackId": stack.id,
        "StackDriftDetectionId": word,
        "StackDriftStatus": stack.drift,
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": len(drifted),
        "Timestamp": now(),
    }
    return {"StackDriftDetectionId": word}


def status(stacks: Stacks, request: Request) -> dict[str, Any]:
    word = request["StackDriftDetectionId"]
    if word not in stacks.drifts:
        text = f"Drift detection id {word} does not exist"
        raise invalid(text, "DescribeStackDriftDetectionStatus")
    return stacks.drifts[word]


def detect_one(stacks: Stacks, request: Request) -> dict[str, Any]:
    operation = "DetectStackResourceDrift"
    stack = stacks.get(request["StackName"], operation)
    name = request["LogicalResourceId"]
    if name not in stack.resources:
        raise invalid(missing(stack, name), operation)
    compare(stacks.around.aws, stack.resources[name])
    return {"StackResourceDrift": shown(stack, stack.resources[name], stacks.around.aws)}


def describe(stacks: Stacks, request: Request) -> dict[str, Any]:
    stack = stacks.get(request["StackName"], "DescribeStackResourceDrifts")
    states = request.get("StackResourceDriftStatusFilters")
    checked = [each for each in stack.resources.values() if each.checked]
    found = [each for each in checked if not states or each.drift in states]
    aws = stacks.around.aws
    return {"StackResourceDrifts": [shown(stack, each, aws) for each in found]}


def compare(aws: Aws, resource: Resource) -> None:
    known, found = live(aws, resource)
    resource.checked = now()
    if not known:
        resource.drift = "NOT_CHECKED"
    elif found is None:
        resource.drift = DELETED
    else:
        resource.drift = MODIFIED if list(differences(resource.properties, found)) else IN_SYNC


def shown(stack: Stack, resource: Resource, aws: Aws) -> dict[str, Any]:
    _, found = live(aws, resource)
    made: dict[str, Any] = {
        "StackId": stack.id,
        "LogicalResourceId": resource.logical,
        "PhysicalResourceId": resource.identity,
        "ResourceType": resource.type,
        "StackResourceDriftStatus": resource.drift,
        "Timestamp": resource.checked,
        "ExpectedProperties": json.dumps(resource.properties),
    }
    if found is not None:
        made["ActualProperties"] = json.dumps(dict(found), default=str)
        if resource.drift == MODIFIED:
            made["PropertyDifferences"] = list(differences(resource.properties, found))
    return made
