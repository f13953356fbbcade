"""What a template would change in a stack, without changing it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.sandbox.cloudformation import planning, schemas
from byoa.sandbox.cloudformation.comparison import as_it_is, existing
from byoa.sandbox.cloudformation.functions import LATER, Scope
from byoa.sandbox.cloudformation.kinds import Aws, kind_of
from byoa.sandbox.cloudformation.planning import Surroundings
from byoa.sandbox.cloudformation.properties import properties_of
from byoa.sandbox.cloudformation.stack import Resource, Stack, Wanted


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
    properties = properties_of(logical, wanted.template, scope, wanted.tags)
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
