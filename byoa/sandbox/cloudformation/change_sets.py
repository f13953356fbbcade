"""Change sets: what an update would do, told before it is done.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import asking, parameters
from byoa.sandbox.cloudformation.difference import difference
from byoa.sandbox.cloudformation.stack import Stack, Wanted, now
from byoa.sandbox.cloudformation.stacks import Request, Stacks, check_name
from byoa.sandbox.cloudformation.template import invalid
from byoa.sandbox.state import ACCOUNT

EMPTY = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


@dataclass
class ChangeSet:
    """What was asked for, and what it comes to."""

    name: str
    stack: Stack
    kind: str  #: CREATE or UPDATE
    wanted: Wanted
    description: str
    id: str = ""
    status: str = "CREATE_COMPLETE"
    execution: str = "AVAILABLE"
    reason: str = ""
    created: datetime.datetime = field(default_factory=now)
    changes: list[dict[str, Any]] = field(default_factory=list)
    on_failure: str = ""

    def __post_init__(self) -> None:
        arn = f"arn:aws:cloudformation:{self.stack.region}:{ACCOUNT}:changeSet"
        self.id = f"{arn}/{self.name}/{uuid.uuid4()}"

    def listed(self) -> dict[str, Any]:
        found = {
            "StackId": self.stack.id,
            "StackName": self.stack.name,
            "ChangeSetId": self.id,
            "ChangeSetName": self.name,
            "ExecutionStatus": self.execution,
            "Status": self.status,
            "StatusReason": self.reason or None,
            "CreationTime": self.created,
            "Description": self.description or None,
        }
        return {name: value for name, value in found.items() if value is not None}


def create(stacks: Stacks, request: Request) -> dict[str, Any]:
    """A new stack is in REVIEW_IN_PROGRESS until its first change set is executed."""
    operation, name = "CreateChangeSet", request["StackName"]
    kind = request.get("ChangeSetType", "UPDATE")
    if kind not in {"CREATE", "UPDATE"}:
        raise invalid(f"Change sets of type {kind} are not carried out in the sandbox", operation)
    with stacks.lock:
        before = stacks.exists(name)
        if kind == "UPDATE":
            before = stacks.get(name, operation)
        elif before is not None and before.status != "REVIEW_IN_PROGRESS":
            raise invalid(
                f"Stack [{name}] already exists and cannot be created again with the changeSet "
                f"[{request['ChangeSetName']}].",
                operation,
            )
        base = before if kind == "UPDATE" else None
        wanted = asking.wanted(request, base, operation, stacks.around.aws)
        if before is None:
            check_name(name, operation)
            before = Stack(name, stacks.region, wanted, "REVIEW_IN_PROGRESS")
            before.move("REVIEW_IN_PROGRESS", "User Initiated")
            stacks.found.append(before)
        if request["ChangeSetName"] in before.change_sets:
            text = f"ChangeSet {request['ChangeSetName']} already exists"
            raise ServiceError("AlreadyExistsException", text, operation)
        made = ChangeSet(
            request["ChangeSetName"], before, kind, wanted, request.get("Description", "")
        )
        made.on_failure = request.get("OnStackFailure", "")
        before.change_sets[made.name] = made
    try:
        made.changes = difference(before, wanted, stacks.around)
    except ServiceError as error:
        made.status, made.execution = "FAILED", "UNAVAILABLE"
        made.reason = error.response["Error"]["Message"]
    else:
        if not made.changes:
            made.status, made.execution, made.reason = "FAILED", "UNAVAILABLE", EMPTY
    return {"Id": made.id, "StackId": before.id}


def find(stacks: Stacks, request: Request, operation: str) -> ChangeSet:
    """By its ARN, or by its name and its stack's."""
    wanted = request["ChangeSetName"]
    holders = stacks.found
    if request.get("StackName"):
        holders = [stacks.get(request["StackName"], operation)]
    for stack in holders:
        for made in stack.change_sets.values():
            if made.id == wanted or (made.name == wanted and request.get("StackName")):
                found: ChangeSet = made
                return found
    raise ServiceError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", operation, 404)


def describe(stacks: Stacks, request: Request) -> dict[str, Any]:
    made = find(stacks, request, "DescribeChangeSet")
    shown = made.changes
    if not request.get("IncludePropertyValues"):
        hidden = {"BeforeContext", "AfterContext"}
        shown = [
            {
                "Type": "Resource",
                "ResourceChange": {
                    key: value
                    for key, value in change["ResourceChange"].items()
                    if key not in hidden
                },
            }
            for change in shown
            if "ResourceChange" in change
        ]
    return {
        **made.listed(),
        "Parameters": parameters.shown(made.wanted.template, made.wanted.parameters),
        "Capabilities": list(made.wanted.capabilities),
        "Tags": [dict(tag) for tag in made.wanted.tags],
        "NotificationARNs": [],
        "Changes": [change for change in shown if "ResourceChange" in change],
    }


def listed(stacks: Stacks, request: Request) -> dict[str, Any]:
    stack = stacks.get(request["StackName"], "ListChangeSets")
    return {"Summaries": [made.listed() for made in stack.change_sets.values()]}


def delete(stacks: Stacks, request: Request) -> dict[str, Any]:
    try:
        made = find(stacks, request, "DeleteChangeSet")
    except ServiceError as error:
        if error.response["Error"]["Code"] == "ChangeSetNotFound":
            return {}
        raise
    made.stack.change_sets.pop(made.name, None)
    return {}


def execute(stacks: Stacks, request: Request) -> dict[str, Any]:
    operation = "ExecuteChangeSet"
    with stacks.lock:
        made = find(stacks, request, operation)
        if made.execution != "AVAILABLE":
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{made.id}] cannot be executed in its current status of "
                f"[{made.status}]",
                operation,
            )
        made.execution = "EXECUTE_IN_PROGRESS"
        stack, no_rollback = made.stack, bool(request.get("DisableRollback"))
        if made.kind == "UPDATE":
            stacks.start_update(stack, made.wanted, no_rollback, operation)
        else:
            stack.move("CREATE_IN_PROGRESS", "User Initiated")
            how = made.on_failure or ("DO_NOTHING" if no_rollback else "ROLLBACK")
            stacks.work(stack, lambda engine: engine.create(made.wanted, how))
        stack.change_sets.clear()  # the others no longer fit
        made.execution = "EXECUTE_COMPLETE"
    return {}
