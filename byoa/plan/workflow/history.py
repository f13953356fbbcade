"""How far an execution is, state by state, out of its events.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

WAITING, RUNNING, SUCCEEDED = "waiting", "running", "succeeded"
FAILED, CAUGHT, ABORTED, TIMED_OUT = "failed", "caught", "aborted", "timed out"
#: Of several iterations the worst one is told.
WORST = (FAILED, TIMED_OUT, ABORTED, CAUGHT, SUCCEEDED)
CONTAINERS = ("Map", "Parallel")
ENDED = {
    "ExecutionSucceeded": SUCCEEDED,
    "ExecutionFailed": FAILED,
    "ExecutionAborted": ABORTED,
    "ExecutionTimedOut": TIMED_OUT,
}


@dataclass(frozen=True)
class StateProgress:
    """One state of an execution: what became of it, since when, how long and how often."""

    status: str = WAITING
    started: datetime | None = None
    seconds: float = 0.0
    retries: int = 0
    runs: int = 0  #: how often it was entered: in a loop, or in the iterations of a Map
    running: int = 0  #: of these, how many are at work
    failed: int = 0
    error: str = ""
    cause: str = ""


@dataclass
class Visit:
    """One time that a state was entered."""

    name: str
    kind: str
    started: datetime
    parent: Visit | None = None
    iteration: int | None = None
    status: str = RUNNING
    ended: datetime | None = None
    tries: int = 0
    broke: bool = False  #: its last try failed
    error: str = ""
    cause: str = ""

    def end(self, status: str, at: datetime) -> None:
        self.status, self.ended = status, at

    def goes_on(self, kind: str) -> bool:
        """Whether a container goes on after an event of its own."""
        return not kind.endswith(("StateExited", "StateFailed", "StateAborted"))

    def ancestor(self, kind: str, name: str) -> Visit:
        """The nearest state of a kind (and a name, if one is told), itself or around it."""
        found: Visit | None = self
        while found and (found.kind != kind or name not in ("", found.name)):
            found = found.parent
        return found or self


@dataclass
class History:
    """The visits, in order, and what the execution itself came to."""

    visits: list[Visit] = field(default_factory=list)
    status: str = RUNNING
    ended: datetime | None = None
    last: Visit | None = None  #: whose failure ended it
    error: str = ""
    cause: str = ""
    owners: dict[int, Visit | None] = field(default_factory=dict)
    types: dict[int, tuple[str, int | None]] = field(default_factory=dict)


def progress(
    events: Iterable[Mapping[str, Any]], *, now: datetime | None = None
) -> dict[str, StateProgress]:
    """The state's names and how far they are; a state that was never entered is not there."""
    history = read(events)
    names = dict.fromkeys(visit.name for visit in history.visits)
    return {
        name: _summed(
            [visit for visit in history.visits if visit.name == name], now or _last(history)
        )
        for name in names
    }


def failure(events: Iterable[Mapping[str, Any]]) -> tuple[str, str, str] | None:
    """State, error and cause of an execution that ended badly."""
    history = read(events)
    if history.status in (RUNNING, SUCCEEDED):
        return None
    last = history.last
    error, cause = history.error, history.cause
    if last:
        error, cause = error or last.error, cause or last.cause
    return last.name if last else "", error, cause


def read(events: Iterable[Mapping[str, Any]]) -> History:
    history = History()
    for event in events:
        _take(history, event)
    return history


def _take(history: History, event: Mapping[str, Any]) -> None:
    kind, number = str(event.get("type", "")), int(event.get("id", 0))
    before = int(event.get("previousEventId", 0))
    owner, at = history.owners.get(before), event["timestamp"]
    details = _details(event)
    iteration = details.get("index") if kind.startswith("MapIteration") else None
    history.types[number] = (kind, iteration)
    if kind.startswith("Execution"):
        _execution(history, kind, at, details)
        owner = None
    elif kind.endswith("StateEntered"):
        owner = _entered(history, kind, at, details, before)
    else:
        owner = owner or _redriven(history, kind)
        if owner:
            owner = _happened(owner, kind, at, details)
            if kind.startswith(CONTAINERS) and not owner.goes_on(kind):
                _leave(history, owner, at)
    history.owners[number] = owner


def _execution(history: History, kind: str, at: datetime, details: Mapping[str, Any]) -> None:
    if kind == "ExecutionRedriven":
        history.status, history.ended, history.error, history.cause = RUNNING, None, "", ""
        for visit in history.visits:
            visit.broke = False
    elif status := ENDED.get(kind):
        history.status, history.ended = status, at
        history.error, history.cause = details.get("error", ""), details.get("cause", "")
        open_ones = [visit for visit in history.visits if visit.status == RUNNING]
        broken = [visit for visit in history.visits if visit.broke]
        aborted = [visit for visit in history.visits if visit.status == ABORTED]
        found = (broken or open_ones or aborted)[-1:]
        history.last = found[0] if found and status != SUCCEEDED else None
        around = _around(history.last)
        for visit in open_ones:
            lost = visit.broke or (status == FAILED and visit in around)
            visit.end(FAILED if lost else ABORTED if status == FAILED else status, at)


def _entered(
    history: History, kind: str, at: datetime, details: Mapping[str, Any], before: int
) -> Visit:
    previous, (what, index) = history.owners.get(before), history.types.get(before, ("", None))
    inside = what in ("MapIterationStarted", "ParallelStateStarted", "MapStateStarted")
    parent = previous if inside else previous.parent if previous else None
    if previous and not inside:
        index = previous.iteration
        if previous.status == RUNNING and previous.broke:
            previous.end(CAUGHT, at)
            previous.broke = False
    visit = Visit(str(details.get("name", "")), kind[: -len("StateEntered")], at, parent, index)
    if visit.kind == "Fail":
        visit.end(FAILED, at)
        visit.broke = True
    history.visits.append(visit)
    return visit


def _redriven(history: History, kind: str) -> Visit | None:
    """Whom a redriven execution goes on with: the state that did not get to its end."""
    lost = [visit for visit in history.visits if visit.status in (FAILED, ABORTED, TIMED_OUT)]
    wanted = "Map" if kind.startswith("Map") else "Parallel" if kind.startswith("Par") else "Task"
    found = [visit for visit in lost if visit.kind == wanted] or lost
    if history.ended is not None or not found:
        return None
    for visit in _around(found[-1]):
        visit.status, visit.ended, visit.broke = RUNNING, None, False
    return found[-1]


def _happened(owner: Visit, kind: str, at: datetime, details: Mapping[str, Any]) -> Visit:
    """An event within a state: it ends it, or it counts a try or a failure."""
    for container in CONTAINERS:
        if kind.startswith(container):
            owner = owner.ancestor(container, str(details.get("name", "")))
    if kind.endswith("StateExited"):
        owner.end(CAUGHT if owner.broke else SUCCEEDED, at)
        owner.broke = False
    elif kind.endswith("StateAborted"):
        owner.end(ABORTED, at)
    elif kind.endswith("Scheduled") or kind in ("ParallelStateStarted", "MapStateStarted"):
        owner.tries += 1
        owner.broke = False
    elif kind.endswith(("Failed", "TimedOut")) and not kind.startswith("MapIteration"):
        owner.broke = True
        owner.error, owner.cause = details.get("error", ""), details.get("cause", "")
    return owner


def _leave(history: History, container: Visit, at: datetime) -> None:
    """What was still open within a container that has ended."""
    for visit in history.visits:
        if visit.status == RUNNING and container in _around(visit.parent):
            visit.end(FAILED if visit.broke else ABORTED, at)


def _around(visit: Visit | None) -> list[Visit]:
    found = []
    while visit:
        found.append(visit)
        visit = visit.parent
    return found


def _summed(visits: list[Visit], now: datetime | None) -> StateProgress:
    running = [visit for visit in visits if visit.status == RUNNING]
    last = visits[-1]
    lately = {visit.iteration: visit for visit in visits if visit.parent is last.parent}
    statuses = {visit.status for visit in lately.values()}
    status = RUNNING if running else next(one for one in WORST if one in statuses)
    told = next((visit for visit in reversed(visits) if visit.error), last)
    return StateProgress(
        status=status,
        started=(running or visits)[0].started,
        seconds=_covered([(visit.started, visit.ended or now) for visit in visits]),
        retries=sum(max(0, visit.tries - 1) for visit in visits),
        runs=len(visits),
        running=len(running),
        failed=sum(visit.status in (FAILED, TIMED_OUT) for visit in visits),
        error=told.error,
        cause=told.cause,
    )


def _covered(spans: list[tuple[datetime, datetime | None]]) -> float:
    """Seconds that lie in any of the spans."""
    total, reached = 0.0, None
    for started, ended in sorted(spans, key=lambda span: span[0]):
        begin = max(started, reached) if reached else started
        end = ended or started
        if end > begin:
            total += (end - begin).total_seconds()
            reached = end
    return total


def _last(history: History) -> datetime | None:
    times = [visit.ended or visit.started for visit in history.visits]
    return history.ended or (max(times) if times else None)


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    for key, value in event.items():
        if key.endswith("Details") and isinstance(value, Mapping):
            return value
    return {}
