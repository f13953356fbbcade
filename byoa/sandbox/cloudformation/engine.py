"""Makes a stack what its template says, resource by resource, and takes it back when one fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from byoa.plan.errors import error_code
from byoa.sandbox.cloudformation import dynamic, planning, schemas
from byoa.sandbox.cloudformation.comparison import as_it_is, existing
from byoa.sandbox.cloudformation.functions import Scope
from byoa.sandbox.cloudformation.kinds import Kind, kind_of
from byoa.sandbox.cloudformation.planning import ResourceError, Surroundings
from byoa.sandbox.cloudformation.stack import Resource, Stack, Wanted, now

#: DeletionPolicies that keep what was made; the second does not when creation is rolled back.
RETAINED = {"Retain", "RetainExceptOnCreate"}


ANOTHER = "Requested update requires the creation of a new physical resource; hence creating one."


class Engine:
    """Works on one stack."""

    def __init__(self, stack: Stack, around: Surroundings) -> None:
        self.stack, self.around = stack, around
        #: what has to be done to be back where we began, the latest last
        self.undo: list[Callable[[], None]] = []
        #: what may only go when the update is through
        self.replaced: list[Resource] = []

    def create(self, wanted: Wanted, on_failure: str = "ROLLBACK") -> None:
        """From CREATE_IN_PROGRESS to CREATE_COMPLETE, or back to nothing."""
        stack = self.stack
        stack.wanted = wanted
        failed = self.apply(wanted)
        if not failed:
            stack.move("CREATE_COMPLETE")
            return
        if on_failure == "DO_NOTHING":
            stack.move("CREATE_FAILED", failed)
            return
        status = "DELETE" if on_failure == "DELETE" else "ROLLBACK"
        stack.move(
            f"{status}_IN_PROGRESS",
            f"{failed} {'Delete' if status == 'DELETE' else 'Rollback'} requested by user.",
        )
        left = self.take_back()
        stack.outputs = []
        stack.move(f"{status}_FAILED" if left else f"{status}_COMPLETE", left)
        if status == "DELETE" and not left:
            stack.deleted = now()

    def update(self, wanted: Wanted, disable_rollback: bool = False) -> None:
        """To UPDATE_COMPLETE, or UPDATE_ROLLBACK_COMPLETE with everything as it was."""
        stack, before = self.stack, self.stack.wanted
        failed = self.apply(wanted)
        if not failed:
            stack.wanted, stack.updated = wanted, now()
            stack.move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self.clean(wanted)
            stack.move("UPDATE_COMPLETE")
            return
        if disable_rollback:
            stack.wanted = wanted
            stack.move("UPDATE_FAILED", failed)
            return
        stack.move("UPDATE_ROLLBACK_IN_PROGRESS", failed)
        left = self.take_back()
        stack.wanted = before
        if left:
            stack.move("UPDATE_ROLLBACK_FAILED", left)
            return
        stack.move("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        stack.move("UPDATE_ROLLBACK_COMPLETE")

    def apply(self, wanted: Wanted) -> str:
        """Makes and changes; the sentence that says what could not be."""
        word = "create" if self.stack.status.startswith("CREATE") else "update"
        scope = planning.stack_scope(self.stack, wanted, self.around)
        try:
            names = planning.chosen(wanted.template, scope)
        except Exception as error:
            return reason_of(error)
        for logical in names:
            if not self.step(logical, wanted, scope):
                return f"The following resource(s) failed to {word}: [{logical}]."
        try:
            self.stack.outputs = planning.outputs(wanted, scope)
        except Exception as error:
            return reason_of(error)
        return ""

    def step(self, logical: str, wanted: Wanted, scope: Scope) -> bool:
        """Makes one resource what it should be."""
        definition = wanted.template["Resources"][logical]
        before = self.stack.resources.get(logical)
        resource = Resource(logical, definition["Type"], policy=policy(definition))
        try:
            resource.properties = planning.properties_of(
                logical, wanted.template, scope, wanted.tags
            )
            planning.check_properties(resource.type, resource.properties, logical)
            if before is not None:
                self.change(before, resource, definition, wanted.revert)
            elif wanted.adopt and (found := existing(self.around.aws, resource)):
                self.adopt(resource, found)
            else:
                self.make(resource)
        except Exception as error:
            if (
                not isinstance(error, ResourceError)
                and not error_code(error)
                and not isinstance(error, ValueError)
            ):
                traceback.print_exc()
            failed = resource if before is None else before
            verb = "CREATE" if before is None or resource.identity else "UPDATE"
            if before is None and logical not in self.stack.resources:
                self.stack.resources[logical] = resource
                self.undo.append(lambda: self.forget(resource))
            self.stack.mark(failed, f"{verb}_FAILED", reason_of(error))
            return False
        return True

    def forget(self, resource: Resource) -> None:
        self.stack.mark(resource, "DELETE_COMPLETE")

    def make(self, resource: Resource) -> None:
        kind = kind_for(resource)
        self.stack.mark(resource, "CREATE_IN_PROGRESS")
        name = planning.name_of(kind, resource.properties, self.stack, resource.logical)
        resource.identity = kind.create(self.around.aws, name, self.ready(kind, resource))
        earlier = self.stack.resources.get(resource.logical)
        self.stack.resources[resource.logical] = resource
        self.stack.mark(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        self.stack.mark(resource, "CREATE_COMPLETE")

        def take_away() -> None:
            if resource.policy == "Retain":
                self.stack.mark(resource, "DELETE_SKIPPED")
            else:
                self.remove(resource)
            if earlier is not None:
                self.stack.resources[resource.logical] = earlier

        self.undo.append(take_away)

    def ready(self, kind: Kind, resource: Resource) -> dict[str, Any]:
        """Its properties as the service gets them: with our tags, and secrets in their places."""
        given = dynamic.resolved(resource.properties, self.around.aws.client)
        logical = resource.logical
        return planning.with_own_tags(kind, resource.type, given, self.stack, logical)

    def adopt(self, resource: Resource, identity: str) -> None:
        """Takes up what is there, as it is; a rollback lets go of it again."""
        self.stack.mark(resource, "IMPORT_IN_PROGRESS")
        resource.identity = identity
        self.stack.resources[resource.logical] = resource
        self.stack.mark(resource, "IMPORT_COMPLETE")
        self.undo.append(lambda: self.stack.mark(resource, "DELETE_SKIPPED"))

    def change(
        self, before: Resource, after: Resource, definition: Mapping[str, Any], revert: bool
    ) -> None:
        """In place where the type can, else another one in its stead."""
        if revert:
            found = as_it_is(self.around.aws, before)
            if found is None:
                self.make(after)
                return
            before = found
        if before.type == after.type and before.properties == after.properties:
            before.policy = after.policy
            return
        kind = kind_for(after)
        if before.type != after.type or replaces(kind, before, after):
            self.replace(kind, before, after, definition)
            return
        assert kind.update is not None
        update, aws = kind.update, self.around.aws
        self.stack.mark(before, "UPDATE_IN_PROGRESS")
        old = replace(before)

        def restore() -> None:
            self.stack.mark(after, "UPDATE_IN_PROGRESS")
            self.stack.resources[old.logical] = old
            update(aws, old.identity, self.ready(kind, after), self.ready(kind, old))
            self.stack.mark(old, "UPDATE_COMPLETE")

        self.undo.append(restore)  # a change may have been made in part when it fails
        update(aws, before.identity, self.ready(kind, before), self.ready(kind, after))
        after.identity = before.identity
        self.stack.resources[after.logical] = after
        self.stack.mark(after, "UPDATE_COMPLETE")

    def replace(
        self, kind: Kind, before: Resource, after: Resource, definition: Mapping[str, Any]
    ) -> None:
        same = kind.name and after.properties.get(kind.name)
        if same and same == before.properties.get(kind.name):
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {same} and update the stack again."
            )
        self.stack.mark(
            before,
            "UPDATE_IN_PROGRESS",
            ANOTHER,
        )
        self.make(after)
        after.status = "UPDATE_COMPLETE"
        if definition.get("UpdateReplacePolicy", "Delete") != "Retain":
            self.replaced.append(before)

    def clean(self, wanted: Wanted) -> None:
        """What the new template no longer has, and what was replaced."""
        scope = planning.stack_scope(self.stack, wanted, self.around)
        kept = set(planning.chosen(wanted.template, scope))
        gone = [each for name, each in self.stack.resources.items() if name not in kept]
        for resource in [*self.replaced, *self.in_reverse(gone)]:
            if resource.policy in RETAINED:
                self.stack.mark(resource, "DELETE_SKIPPED")
            else:
                self.remove(resource)
            if self.stack.resources.get(resource.logical) is resource:
                del self.stack.resources[resource.logical]

    def in_reverse(self, resources: list[Resource]) -> list[Resource]:
        """As they were made, the last first."""
        order = list(self.stack.resources)
        return sorted(resources, key=lambda each: -order.index(each.logical))

    def remove(self, resource: Resource) -> str:
        """Takes one away; why it could not be."""
        kind = kind_for(resource)
        self.stack.mark(resource, "DELETE_IN_PROGRESS")
        try:
            kind.delete(self.around.aws, resource.identity, resource.properties)
        except Exception as error:
            self.stack.mark(resource, "DELETE_FAILED", reason_of(error))
            return resource.logical
        self.stack.mark(resource, "DELETE_COMPLETE")
        return ""

    def take_back(self) -> str:
        """Undoes what was done; the sentence that says what could not be."""
        left = []
        for undo in reversed(self.undo):
            try:
                undo()
            except Exception as error:
                left.append(reason_of(error))
        failed = [r.logical for r in self.stack.resources.values() if r.status == "DELETE_FAILED"]
        for name, resource in list(self.stack.resources.items()):
            if resource.status in {"DELETE_COMPLETE", "DELETE_SKIPPED"}:
                del self.stack.resources[name]
        if failed:
            left.append(f"The following resource(s) failed to delete: [{', '.join(failed)}].")
        return " ".join(left)

    def delete(self, retained: list[str]) -> None:
        """To DELETE_COMPLETE, or DELETE_FAILED when something cannot go."""
        stack, failed = self.stack, []
        for resource in self.in_reverse(list(stack.resources.values())):
            if resource.policy in RETAINED or resource.logical in retained:
                stack.mark(resource, "DELETE_SKIPPED")
            elif resource.identity and self.remove(resource):
                failed.append(resource.logical)
                continue
            del stack.resources[resource.logical]
        if failed:
            names = ", ".join(failed)
            stack.move("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
            return
        stack.deleted, stack.outputs = now(), []
        stack.move("DELETE_COMPLETE")


def kind_for(resource: Resource) -> Kind:
    kind = kind_of(resource.type)
    assert kind is not None, resource.type  # the template was refused otherwise
    return kind


def policy(definition: Mapping[str, Any]) -> str:
    return str(definition.get("DeletionPolicy", "Delete"))


def replaces(kind: Kind, before: Resource, after: Resource) -> bool:
    """Whether the change makes another resource."""
    if kind.update is None:
        return True
    fixed = schemas.created_only(schemas.schema(after.type) or {})
    return any(before.properties.get(key) != after.properties.get(key) for key in fixed)


def reason_of(error: Exception) -> str:
    """The service's words, as a resource's event gives them."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        code, message = response["Error"].get("Code", ""), response["Error"].get("Message", "")
        if code == "ValidationError" and not getattr(error, "operation_name", ""):
            return str(message)
        operation = getattr(error, "operation_name", "")
        told = f"{message} (Service: {operation}, Error Code: {code})"
        return f'Resource handler returned message: "{told}"'
    return str(error)
