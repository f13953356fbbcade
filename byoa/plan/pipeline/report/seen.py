"""A pipeline as a reader sees it: each task with what became of it, what it took, what it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.pipeline.model import Decision, Pipeline, Record, Task
from byoa.plan.pipeline.report.ran import DONE, KEPT, WAITING, Ran, Run, number, seconds_of
from byoa.plan.pipeline.report.scales import is_number

OUTDATED = "outdated"
#: Every status of a page, in the order of the legend, with its sign and what it means.
SIGNS = {
    "failed": ("✗", "failed"),
    "running": ("▶", "at work"),
    "cancelled": ("■", "cancelled"),
    "skipped": ("↷", "skipped: something that it needs failed"),
    "outdated": ("◌", "outdated: it would run"),
    "waiting": ("·", "not run"),
    "done": ("✓", "done by this run"),
    "kept": ("=", "up to date"),
}


#: What a reader is told where the key would mislead.
WORDS = {"waiting": "not run", "kept": "up to date"}
#: What its record says of a task still holds for these; a failed one's is of other code or data.
MEASURED = ("done", "kept", "outdated")


def word(status: str) -> str:
    return WORDS.get(status, status)


@dataclass(frozen=True)
class Link:
    """A file that a reader may open."""

    said: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One task on a page."""

    task: Task
    status: str = WAITING
    reasons: tuple[str, ...] = ()  #: why it ran, or would
    started: float | None = None  #: only of the run that is shown
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    attempts: int = 0
    last: float | None = None  #: when it ran last, in whatever run
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    tail: str = ""  #: of its log
    links: tuple[Link, ...] = ()

    @property
    def name(self) -> str:
        return self.task.name


@dataclass(frozen=True)
class Code:
    """A source as it is written, and whose it is."""

    said: str
    tasks: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class View:
    """A whole page's matter."""

    pipeline: str
    tasks: Mapping[str, Seen]
    run: Run | None = None
    command: str = ""
    made: str = ""  #: when the page was made
    sources: tuple[Code, ...] = ()

    def counts(self, names: Sequence[str] | None = None) -> dict[str, int]:
        """How many tasks of each status, those that there are, in the legend's order."""
        found = dict.fromkeys(SIGNS, 0)
        for name in names if names is not None else self.tasks:
            found[self.tasks[name].status] += 1
        return {status: count for status, count in found.items() if count}

    def families(self) -> dict[str, list[Seen]]:
        """The points of every grid."""
        found: dict[str, list[Seen]] = {}
        for seen in self.tasks.values():
            if seen.task.family:
                found.setdefault(seen.task.family, []).append(seen)
        return found


def view(
    pipeline: Pipeline,
    records: Mapping[str, Record],
    decisions: Mapping[str, Decision],
    run: Run | None = None,
    details: Mapping[str, Mapping[str, Any]] | None = None,
    **words: Any,
) -> View:
    """What is known of every task; `details` are tails of logs and links, by task."""
    tasks = {
        name: _seen(task, records.get(name), decisions.get(name), run, (details or {}).get(name))
        for name, task in pipeline.tasks.items()
    }
    return View(pipeline=pipeline.name, tasks=tasks, run=run, **words)


def _seen(
    task: Task,
    record: Record | None,
    decision: Decision | None,
    run: Run | None,
    details: Mapping[str, Any] | None,
) -> Seen:
    ran = run.tasks.get(task.name, Ran()) if run else Ran()
    took = ran if ran.seconds or ran.status == "running" or not record else record
    status = _status(ran, record, decision)
    valid = record.metrics if record and status in MEASURED else {}
    return Seen(
        task=task,
        status=status,
        reasons=_reasons(ran, decision),
        started=ran.started,
        seconds=number(took.seconds),
        cpu_seconds=number(took.cpu_seconds),
        peak_mb=number(took.peak_mb),
        attempts=took.attempts,
        last=ran.started or (seconds_of(record.started) if record else None),
        metrics={key: float(value) for key, value in valid.items() if is_number(value)},
        error=ran.error,
        **(details or {}),
    )


def _status(ran: Ran, record: Record | None, decision: Decision | None) -> str:
    """The run's word; of what was done or left alone, whether it is up to date now."""
    if ran.status not in (WAITING, KEPT, DONE):
        return ran.status
    if decision and decision.action in ("run", "perhaps"):
        return OUTDATED if record else WAITING
    if record and ran.status == DONE:
        return DONE
    return KEPT if record else WAITING


def _reasons(ran: Ran, decision: Decision | None) -> tuple[str, ...]:
    if ran.reason and ran.status != DONE:
        return (ran.reason,)
    now = tuple(reason.text for reason in decision.reasons) if decision else ()
    return now or ((ran.reason,) if ran.reason else ())
