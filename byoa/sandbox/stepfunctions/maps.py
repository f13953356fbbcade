"""A distributed Map: each item, or batch of items, is a child execution of its own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.stepfunctions import groups, items, results
from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.course import Course
from byoa.sandbox.stepfunctions.errors import ExpiredError, StateError, StoppedError
from byoa.sandbox.stepfunctions.history import now
from byoa.sandbox.stepfunctions.scope import Scope
from byoa.sandbox.stepfunctions.store import store_of

if TYPE_CHECKING:
    from byoa.sandbox.stepfunctions.executions import Execution

#: Children that run at once here: AWS takes 10,000.
AT_ONCE = 40
OVER = "States.ExceedToleratedFailureThreshold"


@dataclass
class MapRun:
    """One run of a distributed Map and its children."""

    arn: str
    execution: str
    machine: str
    most: int
    tolerated: int
    tolerated_share: float
    children: list[Execution] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  #: how many items each child has
    started: datetime.datetime = field(default_factory=now)
    stopped: datetime.datetime | None = None
    status: str = "RUNNING"
    redrives: int = 0
    redriven: datetime.datetime | None = None

    def too_many(self) -> bool:
        """Whether more items failed than are tolerated."""
        failed = sum(
            size
            for child, size in zip(self.children, self.sizes)
            if child.status in {"FAILED", "TIMED_OUT"}
        )
        if not failed:
            return False
        share = 100 * failed / sum(self.sizes)
        limits = [self.tolerated] if self.tolerated or not self.tolerated_share else []
        return any(failed > limit for limit in limits) or (
            bool(self.tolerated_share) and share > self.tolerated_share
        )

    def end(self, status: str) -> None:
        self.status, self.stopped = status, now()

    def described(self) -> dict[str, Any]:
        """DescribeMapRun's answer."""
        executions, numbers = Counter[str](), Counter[str]()
        for child, size in zip(self.children, self.sizes):
            name = WORDS[child.status] if child.begun else "pending"
            executions[name] += 1
            numbers[name] += size
        return {
            **self.listed(),
            "executionArn": self.execution,
            "status": self.status,
            "maxConcurrency": self.most,
            "toleratedFailureCount": self.tolerated,
            "toleratedFailurePercentage": self.tolerated_share,
            "executionCounts": counts(executions),
            "itemCounts": counts(numbers),
            "redriveCount": self.redrives,
            "redriveDate": self.redriven,
        }

    def listed(self) -> dict[str, Any]:
        return {
            "mapRunArn": self.arn,
            "executionArn": self.execution,
            "stateMachineArn": self.machine,
            "startDate": self.started,
            "stopDate": self.stopped,
        }


WORDS = {
    "RUNNING": "running", "SUCCEEDED": "succeeded", "FAILED": "failed",
    "TIMED_OUT": "timedOut", "ABORTED": "aborted",
}  # fmt: skip


def counts(found: Counter[str]) -> dict[str, int]:
    every = {name: found[name] for name in ("pending", *WORDS.values())}
    return {**every, "total": sum(found.values()), "resultsWritten": 0}


def map_run(execution: Execution, course: Course, scope: Scope) -> Any:
    """The outputs of the children that succeeded, or where in S3 they lie."""
    run: MapRun | None = course.progress.map_run
    if run is None:
        run = begun(execution, scope)
        course.progress.map_run = run
        course.events.add("MapStateStarted", {"length": sum(run.sizes)})
        course.events.add("MapRunStarted", {"mapRunArn": run.arn})
    else:
        run.redrives, run.redriven, run.status, run.stopped = (
            run.redrives + 1,
            now(),
            "RUNNING",
            None,
        )
        told = {"mapRunArn": run.arn, "redriveCount": run.redrives}
        course.events.add("MapRunRedriven", told)
    try:
        carry_out(run, course)
    except StateError as error:
        run.end("FAILED")
        course.events.add("MapRunFailed", {"error": error.name, "cause": error.cause})
        course.events.add("MapStateFailed")
        raise
    except (StoppedError, ExpiredError):
        run.end("ABORTED")
        course.events.add("MapRunAborted")
        raise
    run.end("SUCCEEDED")
    course.events.add("MapRunSucceeded")
    found = results.written(run, scope, course.run.region)
    course.events.note("MapStateSucceeded")
    course.progress.map_run = None
    return found


def begun(execution: Execution, scope: Scope) -> MapRun:
    """A Map Run with a child for each input, none of them started."""
    label = scope.state.get("Label") or str(uuid.uuid4())
    inputs = items.inputs(scope, execution.region)
    start = f"arn:aws:states:{execution.region}:{ACCOUNT}"
    name = f"{execution.machine.name}/{label}"
    run = MapRun(
        f"{start}:mapRun:{name}:{uuid.uuid4()}",
        execution.arn,
        f"{execution.machine.arn}/{label}",
        int(scope.number("MaxConcurrency", 0)),
        int(scope.number("ToleratedFailureCount", 0)),
        float(scope.number("ToleratedFailurePercentage", 0)),
    )
    store = store_of(execution.region)
    for given in inputs:
        child = execution.child(scope.state["ItemProcessor"], given, run)
        run.children.append(child)
        batch = given.get("Items") if isinstance(given, dict) else None
        batched = "ItemBatcher" in scope.state and isinstance(batch, list)
        run.sizes.append(len(batch or ()) if batched else 1)
        store.found[child.arn] = child
    store.map_runs[run.arn] = run
    return run


def carry_out(run: MapRun, course: Course) -> None:
    """Starts, or redrives, the children that have not succeeded; too many failures end it."""
    clock = Clock(course.clock)

    def branch(child: Execution) -> groups.Branch:
        return lambda _: one(run, child, clock)

    waiting = [
        branch(child) for child in run.children if child.status != "SUCCEEDED" or not child.begun
    ]
    groups.together(course, waiting, clock, min(run.most or AT_ONCE, AT_ONCE))
    if run.too_many():
        raise over()


def over() -> StateError:
    return StateError(OVER, "The specified tolerated failure threshold was exceeded")


def one(run: MapRun, child: Execution, clock: Clock) -> None:
    """One child from its start to its end."""
    mine = Clock(clock)
    child.listeners.append(lambda _: mine.rings.set())
    try:
        if child.begun:
            child.redrive()
        else:
            child.start()
        while child.status == "RUNNING":
            mine.wait(None)
            mine.rings.clear()
    except (StoppedError, ExpiredError):
        child.stop("", "")
        raise
    finally:
        child.listeners.clear()
        mine.close()
    if run.too_many():
        raise over()
