"""Change sets: what an update would do, told before it is done.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import parameters, planning, schemas
from byoa.sandbox.cloudformation.comparison import as_it_is, existing
from byoa.sandbox.cloudformation.functions import LATER, Scope
from byoa.sandbox.cloudformation.kinds import Aws, kind_of
from byoa.sandbox.cloudformation.planning import Surroundings
from byoa.sandbox.cloudformation.stack import Resource, Stack, Wanted, now
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
        wanted = stacks.wanted(request, base, operation)
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


def difference(stack: Stack, wanted: Wanted, around: Surroundings) -> list[dict[str, Any]]:
    """Every resource that would be added, changed or removed; outputs and tags as a last entry."""
    new: set[str] = set()  # made, or made anew: their identity is not known yet
    changed: set[str] = set()
    scope = preview(stack, wanted, around, new, changed)
    names = planning.chosen(wanted.template, scope)
    changes = []
    for logical in names:
        change = difference_of(logical, stack, wanted, scope, around.aws)
        if change is None:
            continue
        if change["Action"] == "Add" or change.get("Replacement") == "True":
            new.add(logical)
        changed.add(logical)
        changes.append({"Type": "Resource", "ResourceChange": change})
    for logical, resource in stack.resources.items():
        if logical not in names:
            changes.append({"Type": "Resource", "ResourceChange": removal(resource)})
    if not changes and stack.status != "REVIEW_IN_PROGRESS" and other_changes(stack, wanted, scope):
        changes.append({"Type": "Stack"})
    return changes


def preview(
    stack: Stack, wanted: Wanted, around: Surroundings, new: set[str], changed: set[str]
) -> Scope:
    """Names stand for what is there already, or for what nobody can know yet."""

    def reference(logical: str) -> str:
        known = stack.resources.get(logical)
        return LATER if logical in new or known is None else known.identity

    def attribute(logical: str, name: str) -> Any:
        if logical in new or logical not in stack.resources:
            return LATER
        return planning.attribute_of(stack, around.aws, logical, name)

    return planning.scope_of(stack, wanted, around, reference, attribute)


def other_changes(stack: Stack, wanted: Wanted, scope: Scope) -> bool:
    """Outputs that would be others."""
    return planning.outputs(wanted, scope) != stack.outputs


def difference_of(
    logical: str, stack: Stack, wanted: Wanted, scope: Scope, aws: Aws
) -> dict[str, Any] | None:
    definition = wanted.template["Resources"][logical]
    properties = planning.properties_of(logical, wanted.template, scope, wanted.tags)
    before = stack.resources.get(logical)
    common = {"LogicalResourceId": logical, "ResourceType": definition["Type"]}
    after = json.dumps({"Properties": properties})
    if before is not None and wanted.revert:
        before = as_it_is(aws, before)
    if before is None:
        found = ""
        if wanted.adopt:
            found = existing(aws, Resource(logical, definition["Type"], properties=properties))
        how = {"Action": "Import", "PhysicalResourceId": found} if found else {"Action": "Add"}
        return {**how, **common, "Scope": [], "Details": [], "AfterContext": after}
    if before.type == definition["Type"] and before.properties == properties:
        return None
    fixed = schemas.created_only(schemas.schema(definition["Type"]) or {})
    kind = kind_of(definition["Type"])
    always = before.type != definition["Type"] or kind is None or kind.update is None
    details = list(details_of(before.properties, properties, fixed, always))
    replaced = any(each["Target"]["RequiresRecreation"] == "Always" for each in details)
    attributes = [each["Target"]["Attribute"] for each in details]
    return {
        "Action": "Modify",
        **common,
        "PhysicalResourceId": before.identity,
        "Replacement": "True" if replaced else "False",
        "Scope": sorted(set(attributes)),
        "Details": details,
        "BeforeContext": json.dumps({"Properties": before.properties}),
        "AfterContext": after,
    }


def details_of(
    before: Mapping[str, Any], after: Mapping[str, Any], fixed: set[str], always: bool
) -> Iterator[dict[str, Any]]:
    """One entry a changed property."""
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name):
            continue
        recreated = "Always" if always or name in fixed else "Never"
        if name == "Tags":
            target = {"Attribute": "Tags", "RequiresRecreation": recreated}
        else:
            target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreated}
        dynamic = LATER in json.dumps(after.get(name))
        yield {
            "Target": target,
            "Evaluation": "Dynamic" if dynamic else "Static",
            "ChangeSource": "ResourceReference" if dynamic else "DirectModification",
        }


def removal(resource: Resource) -> dict[str, Any]:
    kept = resource.policy.startswith("Retain")
    return {
        "Action": "Remove",
        "LogicalResourceId": resource.logical,
        "PhysicalResourceId": resource.identity,
        "ResourceType": resource.type,
        "PolicyAction": "Retain" if kept else "Delete",
        "Scope": [],
        "Details": [],
        "BeforeContext": json.dumps({"Properties": resource.properties}),
    }
