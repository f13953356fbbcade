"""A CloudFormation stack: looked at, changed by change sets, followed, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ByoaError, error_code
from byoa.plan.infrastructure import advised, failure

Sleep = Callable[[float], None]
Say = Callable[[str], None]
#: What CloudFormation says when another setup was faster.
RACED = {"ChangeSetNotFound", "InvalidChangeSetStatus"}
#: How long CloudFormation may take to look, and to do.
LOOK, DO = 300.0, 3600.0


@dataclass
class Stack:
    """One stack by its name."""

    cloudformation: Any
    name: str
    say: Say = lambda text: None
    sleep: Sleep = time.sleep
    clock: Callable[[], float] = time.monotonic
    seen: set[str] = field(default_factory=set)  #: ids of events
    count: int = 0  #: of changes that are to come
    done: int = 0

    def find(self, name: str = "") -> Mapping[str, Any] | None:
        """What CloudFormation says of it; None when there is none."""
        try:
            found = self.cloudformation.describe_stacks(StackName=name or self.name)["Stacks"]
        except self.cloudformation.exceptions.ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        return found[0] if found and found[0]["StackStatus"] != "DELETE_COMPLETE" else None

    def drift(self) -> list[str]:
        """A sentence for each resource that is not what the template made it."""
        cfn = self.cloudformation
        begun = cfn.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]

        def state() -> Any:
            return cfn.describe_stack_drift_detection_status(StackDriftDetectionId=begun)

        self._until(lambda: state()["DetectionStatus"] != "DETECTION_IN_PROGRESS", LOOK, "look")
        wanted = {
            "StackName": self.name,
            "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
        }
        return [
            drifted(one)
            for page in self._pages(cfn.describe_stack_resource_drifts, wanted)
            for one in page["StackResourceDrifts"]
        ]

    def change_set(self, request: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
        """What would change; None when nothing would. It is made, and waits."""
        cfn = self.cloudformation
        where = {"StackName": self.name, "ChangeSetName": request["ChangeSetName"]}
        try:
            cfn.create_change_set(**request)
        except cfn.exceptions.AlreadyExistsException:  # a setup that was interrupted has left it
            cfn.delete_change_set(**where)
            cfn.create_change_set(**request)
        said: dict[str, Any] = {}

        def ready() -> bool:
            said.update(cfn.describe_change_set(**where))
            return said["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS")

        try:
            self._until(ready, LOOK, "plan the change")
        except cfn.exceptions.ClientError as error:
            raise self.raced(error) from error
        if said["Status"] == "FAILED":
            self.drop(request)
            reason = said.get("StatusReason", "")
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return None
            raise ByoaError(f"CloudFormation cannot plan that: {advised(reason)}")
        pages = self._pages(cfn.describe_change_set, where)
        return [change for page in pages for change in page["Changes"]]

    def raced(self, error: Exception) -> Exception:
        """The error; that of two setups at once in words."""
        if error_code(error) not in RACED:
            return error
        return ByoaError(
            f"Another `byoa setup` has changed the stack {self.name} meanwhile. Run it again: it"
            " shows what is left to do."
        )

    def drop(self, request: Mapping[str, Any]) -> None:
        """Takes the change set away, and a stack that is nothing but it."""
        where = {"StackName": self.name, "ChangeSetName": request["ChangeSetName"]}
        self.cloudformation.delete_change_set(**where)
        found = self.find()
        if found and found["StackStatus"] == "REVIEW_IN_PROGRESS":
            self.cloudformation.delete_stack(StackName=self.name)

    def apply(self, request: Mapping[str, Any], count: int = 0) -> dict[str, str]:
        """Does it, and tells what happens; the stack's outputs."""
        self.count, self.done = count, 0
        self.seen = {event["EventId"] for event in self._events(self.name)}
        where = {"StackName": self.name, "ChangeSetName": request["ChangeSetName"]}
        try:
            self.cloudformation.execute_change_set(**where)
        except self.cloudformation.exceptions.ClientError as error:
            raise self.raced(error) from error
        found, events = self._follow(self.name)
        if found["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            reason = failure(events) or found.get("StackStatusReason", found["StackStatus"])
            raise ByoaError(
                f"The stack {self.name} could not be set up, and is what it was before"
                f" ({found['StackStatus']}): {advised(reason)}"
            )
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}

    def delete(self) -> None:
        """Deletes it and waits; ByoaError tells what could not be deleted."""
        found = self.find()
        if found is None:
            return
        name = found["StackId"]  # a deleted stack answers to its id alone
        self.count, self.done = len(self.resources()), 0
        self.seen = {event["EventId"] for event in self._events(name)}
        self.cloudformation.delete_stack(StackName=name)
        found, events = self._follow(name)
        if found["StackStatus"] != "DELETE_COMPLETE":
            reason = failure(events) or found.get("StackStatusReason", found["StackStatus"])
            raise ByoaError(f"The stack {self.name} is still there: {advised(reason)}")

    def resources(self) -> dict[str, str]:
        """What it has made, by logical name."""
        pages = self._pages(self.cloudformation.list_stack_resources, {"StackName": self.name})
        return {
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def _follow(self, name: str) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
        """Tells each new event until the stack rests; what it is then, and the events."""
        said: list[Mapping[str, Any]] = []
        last: dict[str, Any] = {}

        def rests() -> bool:
            status = self._status(name)
            for event in sorted(self._events(name), key=lambda event: event["Timestamp"]):
                if event["EventId"] not in self.seen:
                    self.seen.add(event["EventId"])
                    said.append(event)
                    self._tell(event)
            last.update(status)
            return not status["StackStatus"].endswith("_IN_PROGRESS")

        self._until(rests, DO, "finish")
        return last, said

    def _tell(self, event: Mapping[str, Any]) -> None:
        """What is done, and what failed; what has only begun is left out."""
        status, own = event["ResourceStatus"], event["LogicalResourceId"] == self.name
        if status.endswith("_IN_PROGRESS") and not (own and "ROLLBACK" in status):
            return
        self.done += not own
        place = f"[{self.done}/{self.count}] " if not own and self.done <= self.count else ""
        self.say(place + told(event))

    def _status(self, name: str) -> Mapping[str, Any]:
        found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return dict(found)

    def _events(self, name: str) -> Iterator[Mapping[str, Any]]:
        for page in self._pages(self.cloudformation.describe_stack_events, {"StackName": name}):
            yield from page["StackEvents"]

    def _pages(self, method: Callable[..., Any], words: Mapping[str, Any]) -> Iterator[Any]:
        token: dict[str, str] = {}
        while True:
            page = method(**words, **token)
            yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _until(self, done: Callable[[], bool], limit: float, what: str) -> None:
        begin, pause = self.clock(), 0.2
        while not done():
            if self.clock() > begin + limit:
                raise ByoaError(
                    f"CloudFormation did not {what} within {limit:.0f} s. Look at the stack"
                    f" {self.name} in its console, then run the command again."
                )
            self.sleep(pause)
            pause = min(pause * 1.5, 5.0)


def told(event: Mapping[str, Any]) -> str:
    """An event as a line."""
    reason = event.get("ResourceStatusReason", "")
    words = event["ResourceStatus"].lower().replace("_", " ")
    return f"{words}: {event['LogicalResourceId']}{f' - {reason}' if reason else ''}"


def drifted(one: Mapping[str, Any]) -> str:
    """What somebody changed by hand."""
    name = f"{one['LogicalResourceId']} ({one['ResourceType']})"
    if one["StackResourceDriftStatus"] == "DELETED":
        return f"{name} was deleted by hand"
    changes = ", ".join(
        f"{change['PropertyPath'].lstrip('/')} is {change.get('ActualValue', 'gone')[:60]},"
        f" was {change.get('ExpectedValue', 'not there')[:60]}"
        for change in one.get("PropertyDifferences", ())
    )
    return f"{name} was changed by hand: {changes}"
