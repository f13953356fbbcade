"""Makes a stack what its template says, resource by resource, and takes it back when one fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from byoa.plan.errors import error_code
from byoa.sandbox.cloudformation import planning
from byoa.sandbox.cloudformation.comparison import existing
from byoa.sandbox.cloudformation.functions import Scope
from byoa.sandbox.cloudformation.kinds import ResourceError
from byoa.sandbox.cloudformation.making import Making, reason_of
from byoa.sandbox.cloudformation.properties import check_properties, properties_of
from byoa.sandbox.cloudformation.stack import Resource, Wanted, now

#: DeletionPolicies that keep what was made; the second does not when creation is rolled back.
RETAINED = {"Retain", "RetainExceptOnCreate"}


class Engine(Making):
    """Works on one stack."""

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
            resource.properties = properties_of(logical, wanted.template, scope, wanted.tags)
            check_properties(resource.type, resource.properties, logical)
            if before is not None:
                self.change(before, resource, definition, wanted.revert)
            elif wanted.adopt and (found := existing(self.around.aws, resource)):
                self.adopt(resource, found)
            else:
                self.make(resource)
        except Exception as error:
            if not isinstance(error, (ResourceError, ValueError)) and not error_code(error):
                traceback.print_exc()  # a bug of ours
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


def policy(definition: Mapping[str, Any]) -> str:
    return str(definition.get("DeletionPolicy", "Delete"))
