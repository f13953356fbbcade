"""The stacks of one region, and what clients ask of them."""

from __future__ import annotations

import json
import re
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import asking
from byoa.sandbox.cloudformation.difference import difference
from byoa.sandbox.cloudformation.engine import Engine
from byoa.sandbox.cloudformation.planning import Surroundings
from byoa.sandbox.cloudformation.stack import Stack, Wanted
from byoa.sandbox.cloudformation.template import invalid

Request = Mapping[str, Any]
NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
URL = re.compile(r"https?://([^/]+)/(.+)")
NO_UPDATES = "No updates are to be performed."
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

    def create(self, request: Request) -> dict[str, Any]:
        operation, name = "CreateStack", request["StackName"]
        check_name(name, operation)
        wanted = asking.wanted(request, None, operation, self.around.aws)
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
        wanted = asking.wanted(request, stack, operation, self.around.aws)
        if not difference(stack, wanted, self.around):
            raise invalid(NO_UPDATES, operation)
        self.start_update(stack, wanted, bool(request.get("DisableRollback")), operation)
        return {"StackId": stack.id}

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


def check_name(name: str, operation: str) -> None:
    if not NAME.fullmatch(name) or len(name) > 128:
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            operation,
        )
