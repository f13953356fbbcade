"""The stacks of one region, and what clients ask of them."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import parameters, planning
from byoa.sandbox.cloudformation import template as templates
from byoa.sandbox.cloudformation.engine import Engine
from byoa.sandbox.cloudformation.planning import Surroundings
from byoa.sandbox.cloudformation.stack import Stack, Wanted, resource_shown
from byoa.sandbox.cloudformation.template import invalid
from byoa.sandbox.iam import may_assume

Request = Mapping[str, Any]
NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
URL = re.compile(r"https?://([^/]+)/(.+)")
NO_UPDATES = "No updates are to be performed."
#: A stack here takes a second or two, and AWS's own waiters ask every thirty.
PATIENCE = 3.0
#: A stack in one of these may be updated.
SETTLED = {
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED",
    "CREATE_FAILED", "IMPORT_COMPLETE",
}  # fmt: skip


@dataclass
class Stacks:
    """All that was made here, deleted stacks among them."""

    region: str
    surroundings: Callable[[Stacks], Surroundings]
    found: list[Stack] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    drifts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def around(self) -> Surroundings:
        return self.surroundings(self)

    def get(self, name: str, operation: str) -> Stack:
        """By name the living one; by id a deleted one, too."""
        for stack in reversed(self.found):
            if stack.id == name or (stack.name == name and stack.deleted is None):
                return stack
        raise invalid(f"Stack with id {name} does not exist", operation)

    def exists(self, name: str) -> Stack | None:
        living = [stack for stack in self.found if stack.deleted is None]
        return next((stack for stack in living if name in (stack.name, stack.id)), None)

    def wanted(self, request: Request, before: Stack | None, operation: str) -> Wanted:
        """What a request asks for, checked as far as it can be before anything is made."""
        text = self.text_of(request, before, operation)
        template = templates.parse(text)
        planning.check_types(template)
        planning.check_references(template)
        given = list(request.get("Capabilities", []))
        templates.check_capabilities(template, given, operation)
        role = request.get("RoleARN", "")
        if role and not may_assume(role, "cloudformation"):
            raise invalid(f"Role {role} is invalid or cannot be assumed", operation)
        kept = before.wanted.parameters if before else {}
        values = parameters.values(template, request.get("Parameters", []), kept, operation)
        tags = request.get("Tags")
        if tags is None:
            tags = before.wanted.tags if before else ()
        return Wanted(
            text,
            template,
            values,
            tuple(tags),
            tuple(given),
            role or (before.wanted.role if before else ""),
            adopt=bool(request.get("ImportExistingResources")),
            revert=request.get("DeploymentMode") == "REVERT_DRIFT",
        )

    def text_of(self, request: Request, before: Stack | None, operation: str) -> str:
        """The template's text: in the request, in S3, or the stack's own."""
        if request.get("UsePreviousTemplate") and before is not None:
            return before.wanted.text
        body, url = request.get("TemplateBody"), request.get("TemplateURL")
        if (body is None) == (url is None):
            raise invalid("Either Template URL or Template Body must be specified.", operation)
        if url is None:
            if len(str(body).encode()) > templates.MOST_BYTES["body"]:
                raise invalid(
                    "1 validation error detected: Value at 'templateBody' failed to satisfy "
                    "constraint: Member must have length less than or equal to 51200",
                    operation,
                )
            return str(body)
        text = self.fetch(url, operation)
        if len(text) > templates.MOST_BYTES["url"]:
            raise invalid("Template may not exceed 1048576 bytes in size.", operation)
        return text

    def fetch(self, url: str, operation: str) -> str:
        """https://BUCKET.s3….amazonaws.com/KEY, https://s3….amazonaws.com/BUCKET/KEY, or ours."""
        match = URL.fullmatch(url.partition("?")[0])
        if match is None:
            raise invalid("TemplateURL must be a supported URL.", operation)
        bucket, _, rest = match[1].partition(".s3")
        key = match[2]
        if not rest:
            bucket, _, key = key.partition("/")
        try:
            stored = self.around.aws.client("s3").get_object(Bucket=bucket, Key=key)
        except Exception as error:
            raise invalid(f"S3 error: {error}", operation) from None
        return str(stored["Body"].read().decode())

    def create(self, request: Request) -> dict[str, Any]:
        operation, name = "CreateStack", request["StackName"]
        check_name(name, operation)
        wanted = self.wanted(request, None, operation)
        on_failure = request.get("OnFailure") or (
            "DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"
        )
        with self.lock:
            if self.exists(name):
                raise ServiceError(
                    "AlreadyExistsException", f"Stack [{name}] already exists", operation
                )
            stack = Stack(name, self.region, wanted, "CREATE_IN_PROGRESS")
            stack.protected = bool(request.get("EnableTerminationProtection"))
            stack.disable_rollback = on_failure == "DO_NOTHING"
            stack.move("CREATE_IN_PROGRESS", "User Initiated")
            self.found.append(stack)
        self.work(stack, lambda engine: engine.create(wanted, on_failure))
        return {"StackId": stack.id}

    def update(self, request: Request) -> dict[str, Any]:
        operation = "UpdateStack"
        stack = self.get(request["StackName"], operation)
        wanted = self.wanted(request, stack, operation)
        if not self.changes(stack, wanted):
            raise invalid(NO_UPDATES, operation)
        self.start_update(stack, wanted, bool(request.get("DisableRollback")), operation)
        return {"StackId": stack.id}

    def changes(self, stack: Stack, wanted: Wanted) -> list[dict[str, Any]]:
        """What an update would do: the change set's own list, with the outputs' and tags'."""
        from byoa.sandbox.cloudformation import change_sets

        return change_sets.difference(stack, wanted, self.around)

    def start_update(
        self, stack: Stack, wanted: Wanted, disable_rollback: bool, operation: str
    ) -> None:
        with self.lock:
            if stack.status not in SETTLED:
                raise invalid(
                    f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
                    operation,
                )
            stack.move("UPDATE_IN_PROGRESS", "User Initiated")
        self.work(stack, lambda engine: engine.update(wanted, disable_rollback))

    def work(self, stack: Stack, act: Callable[[Engine], None]) -> None:
        """In a thread of its own: a stack takes its time, as on AWS."""

        def run() -> None:
            try:
                act(Engine(stack, self.around))
            except Exception as error:  # a bug of ours must not leave it IN_PROGRESS
                traceback.print_exc()
                word = stack.status.removesuffix("_IN_PROGRESS")
                stack.move(f"{word}_FAILED", f"The sandbox failed: {error!r}")
            finally:
                stack.idle.set()

        stack.idle.clear()
        threading.Thread(target=run, daemon=True).start()

    def delete(self, request: Request) -> dict[str, Any]:
        operation = "DeleteStack"
        with self.lock:
            stack = self.exists(request["StackName"])
            if stack is None:
                return {}
            if stack.protected:
                text = (
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                )
                raise invalid(text, operation)
            retained = list(request.get("RetainResources", []))
            if retained and stack.status != "DELETE_FAILED":
                raise invalid("Invalid operation on stack: specify resources to retain only when "
                              "the stack is in the DELETE_FAILED state", operation)  # fmt: skip
            if stack.status == "DELETE_IN_PROGRESS":
                return {}
            if stack.busy:
                text = f"Stack {stack.id} is in {stack.status} state and can not be deleted."
                raise invalid(text, operation)
            self.check_exports(stack, operation)
            stack.move("DELETE_IN_PROGRESS", "User Initiated")
        self.work(stack, lambda engine: engine.delete(retained))
        return {}

    def exports(self) -> dict[str, tuple[Stack, str]]:
        return {
            output["ExportName"]: (stack, output["OutputValue"])
            for stack in self.found
            if stack.deleted is None
            for output in stack.outputs
            if "ExportName" in output
        }

    def imported(self, name: str) -> str:
        """What Fn::ImportValue gives."""
        if name not in self.exports():
            raise invalid(f"No export named {name} found.")
        return self.exports()[name][1]

    def importers(self, name: str) -> list[str]:
        word = f'"{name}"'
        import json

        return [
            stack.name
            for stack in self.found
            if stack.deleted is None
            and "Fn::ImportValue" in json.dumps(stack.wanted.template)
            and word in json.dumps(stack.wanted.template)
        ]

    def check_exports(self, stack: Stack, operation: str) -> None:
        for output in stack.outputs:
            users = self.importers(output["ExportName"]) if "ExportName" in output else []
            if users:
                raise invalid(
                    f"Export {output['ExportName']} cannot be deleted as it is in use by "
                    f"{' and '.join(users)}",
                    operation,
                )

    def describe(self, request: Request) -> dict[str, Any]:
        if request.get("StackName"):
            stack = self.get(request["StackName"], "DescribeStacks")
            if stack.busy:
                stack.idle.wait(PATIENCE)
            return {"Stacks": [stack.shown()]}
        return {"Stacks": [stack.shown() for stack in self.found if stack.deleted is None][::-1]}

    def list(self, request: Request) -> dict[str, Any]:
        states = request.get("StackStatusFilter")
        found = [stack for stack in self.found[::-1] if not states or stack.status in states]
        return {"StackSummaries": [stack.listed() for stack in found]}

    def events(self, request: Request) -> dict[str, Any]:
        stack = self.get(request["StackName"], "DescribeStackEvents")
        with stack.lock:
            return {"StackEvents": [dict(event) for event in stack.events]}

    def resources(self, request: Request) -> dict[str, Any]:
        stack = self.get(request["StackName"], "DescribeStackResources")
        wanted = request.get("LogicalResourceId")
        found = [each for name, each in stack.resources.items() if wanted in (None, name)]
        if wanted and not found:
            raise invalid(missing(stack, wanted), "DescribeStackResources")
        return {"StackResources": [resource_shown(stack, each, "Timestamp") for each in found]}

    def resource(self, request: Request) -> dict[str, Any]:
        operation, name = "DescribeStackResource", request["LogicalResourceId"]
        stack = self.get(request["StackName"], operation)
        if name not in stack.resources:
            raise invalid(missing(stack, name), operation)
        shown = resource_shown(stack, stack.resources[name], "LastUpdatedTimestamp")
        return {"StackResourceDetail": shown}

    def list_resources(self, request: Request) -> dict[str, Any]:
        stack = self.get(request["StackName"], "ListStackResources")
        found = [
            resource_shown(stack, each, "LastUpdatedTimestamp") for each in stack.resources.values()
        ]
        return {"StackResourceSummaries": found}


def missing(stack: Stack, name: str) -> str:
    return f"Resource {name} does not exist for stack {stack.name}"


def check_name(name: str, operation: str) -> None:
    if not NAME.fullmatch(name) or len(name) > 128:
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            operation,
        )
