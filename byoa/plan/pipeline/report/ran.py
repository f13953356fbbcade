"""How far a run is, task by task, out of its events."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

WAITING, RUNNING, DONE, KEPT = "waiting", "running", "done", "kept"
FAILED, SKIPPED, CANCELLED = "failed", "skipped", "cancelled"
#: In the order in which one wants to hear of them.
STATUSES = (FAILED, RUNNING, CANCELLED, SKIPPED, WAITING, DONE, KEPT)
#: So many tasks must have ended before anything is said of the others.
ENOUGH = 3
HEAD = re.compile(r"[\W_\d]")
ENDS = {DONE, KEPT, FAILED, SKIPPED, CANCELLED}


@dataclass(frozen=True)
class Ran:
    """What became of one task."""

    status: str = WAITING
    started: float | None = None  #: seconds since 1970: its last attempt's
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    attempts: int = 0
    reason: str = ""
    error: str = ""
    log: str = ""


@dataclass
class Run:
    """One walk through a pipeline, while it goes on or afterwards; `take` every event in order."""

    names: Iterable[str] = ()
    run: str = ""
    started: float | None = None
    ended: float | None = None
    outcome: str = ""
    jobs: int = 0
    tasks: dict[str, Ran] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tasks = dict.fromkeys(self.names, Ran()) | self.tasks
        self.counts = dict.fromkeys(STATUSES, 0)
        for ran in self.tasks.values():
            self.counts[ran.status] += 1

    def take(self, event: Mapping[str, Any]) -> None:
        """What is no event of ours changes nothing: a file may end in half a line."""
        at, kind = seconds_of(event.get("time")), event.get("event")
        if kind == "run-start":
            self.started, self.run = at, str(event.get("run", self.run))
            self.jobs = int(number(event.get("jobs"))) or self.jobs
        elif kind == "run-end":
            self.ended, self.outcome = at, str(event.get("outcome") or "")
        elif kind in ("task-start", "task-end") and isinstance(event.get("task"), str):
            before = self.tasks.get(event["task"], Ran(status=""))
            self._set(event["task"], before, _after(before, kind, at, event))

    def _set(self, name: str, before: Ran, after: Ran) -> None:
        if before.status:
            self.counts[before.status] -= 1
        self.counts[after.status] += 1
        self.tasks[name] = after

    def close(self) -> Run:
        """The run as it is when its driver is gone: what was at work was cut off."""
        for name, ran in list(self.tasks.items()):
            if ran.status == RUNNING:
                said = {"status": CANCELLED, "error": ran.error or "the run was cut off"}
                self._set(name, ran, Ran(**{**vars(ran), **said}))
        return self

    @property
    def over(self) -> int:
        """How many tasks need nothing more."""
        return sum(self.counts[status] for status in ENDS)

    def seconds(self, now: float) -> float:
        """How long it took, or has been going on."""
        began, ended = self.started, self.ended if self.ended is not None else now
        return max(0.0, ended - began) if began is not None else 0.0

    def left(self, now: float) -> float | None:
        """About how long it goes on: each task as long as its like took, so many at a time.

        None before enough of them have ended.
        """
        if self.counts[DONE] < ENOUGH or self.ended is not None:
            return None
        took: dict[str, list[float]] = {}
        for name, ran in self.tasks.items():
            if ran.status == DONE:
                for key in (head(name), ""):
                    took.setdefault(key, []).append(ran.seconds)
        means = {key: sum(found) / len(found) for key, found in took.items()}
        rest = 0.0
        for name, ran in self.with_status(WAITING, RUNNING).items():
            going = max(0.0, now - (ran.started or now)) if ran.status == RUNNING else 0.0
            rest += max(0.0, means.get(head(name), means[""]) - going)
        return rest / max(self.jobs, self.counts[RUNNING], 1)

    def with_status(self, *statuses: str) -> dict[str, Ran]:
        return {name: ran for name, ran in self.tasks.items() if ran.status in statuses}


def _after(before: Ran, kind: str, at: float | None, event: Mapping[str, Any]) -> Ran:
    attempt = int(number(event.get("attempt"))) or before.attempts
    reason, log = (str(event.get(key) or getattr(before, key)) for key in ("reason", "log"))
    if kind == "task-start":
        return Ran(RUNNING, at, attempts=attempt or 1, reason=reason, error=before.error, log=log)
    outcome = str(event.get("outcome"))
    if event.get("retry"):
        outcome = WAITING
    spent = number(event.get("seconds"))
    return Ran(
        outcome if outcome in ENDS | {WAITING} else FAILED,
        _began(before, at, spent),
        spent,
        number(event.get("cpu_seconds")),
        number(event.get("peak_mb")),
        attempt,
        reason,
        error=str(event.get("error") or ("" if outcome == DONE else before.error)),
        log=log,
    )


def head(name: str) -> str:
    """What tasks of a kind have in common: fit-1-gini's is fit."""
    return HEAD.split(name, 1)[0]


def _began(before: Ran, at: float | None, spent: float) -> float | None:
    """When its last attempt began; None for what never did."""
    if before.started is not None or at is None or not spent:
        return before.started
    return at - spent


def number(value: Any) -> float:
    """A finite number, or 0: events are read from disk."""
    try:
        made = float(value) if isinstance(value, (int, float)) else 0.0
    except OverflowError:
        return 0.0
    return made if math.isfinite(made) else 0.0


def seconds_of(time: Any) -> float | None:
    """Seconds since 1970 of ISO 8601 or of seconds."""
    if isinstance(time, (int, float)) and not isinstance(time, bool):
        return number(time)
    try:
        found = datetime.fromisoformat(str(time).replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
