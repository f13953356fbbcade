"""A stack's resources, one at a time: made, taken up, changed, replaced; and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from byoa.sandbox.cloudformation import dynamic, schemas
from byoa.sandbox.cloudformation.comparison import as_it_is, existing
from byoa.sandbox.cloudformation.kinds import Kind, ResourceError, kind_of
from byoa.sandbox.cloudformation.planning import Surroundings
from byoa.sandbox.cloudformation.properties import name_of, with_own_tags
from byoa.sandbox.cloudformation.stack import Resource, Stack

ANOTHER = "Requested update requires the creation of a new physical resource; hence creating one."


class Making:
    """What is done to resources, and how to undo it."""

    def __init__(self, stack: Stack, around: Surroundings) -> None:
        self.stack, self.around = stack, around
        #: what has to be done to be back where we began, the latest last
        self.undo: list[Callable[[], None]] = []
        #: what may only go when the update is through
        self.replaced: list[Resource] = []

    def make(self, resource: Resource) -> None:
        kind = kind_for(resource)
        self.stack.mark(resource, "CREATE_IN_PROGRESS")
        if found := existing(self.around.aws, resource):
            raise ResourceError(
                f"Resource of type '{resource.type}' with identifier '{found}' already exists."
            )
        name = name_of(kind, resource.properties, self.stack, resource.logical)
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
                self.stack.mark(earlier, "UPDATE_COMPLETE")

        self.undo.append(take_away)

    def ready(self, kind: Kind, resource: Resource) -> dict[str, Any]:
        """Its properties as the service gets them: with our tags, and secrets in their places."""
        given = dynamic.resolved(resource.properties, self.around.aws.client)
        logical = resource.logical
        return with_own_tags(kind, resource.type, given, self.stack, logical)

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
        original = before
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
            self.stack.resources[old.logical] = original
            update(aws, old.identity, self.ready(kind, after), self.ready(kind, old))
            self.stack.mark(original, "UPDATE_COMPLETE")

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
        self.stack.mark(before, "UPDATE_IN_PROGRESS", ANOTHER)
        self.make(after)
        self.stack.mark(after, "UPDATE_COMPLETE")
        if definition.get("UpdateReplacePolicy", "Delete") != "Retain":
            self.replaced.append(before)

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


def kind_for(resource: Resource) -> Kind:
    kind = kind_of(resource.type)
    assert kind is not None, resource.type  # the template was refused otherwise
    return kind


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
