"""Watching a job: its steps, the lines of all its hosts, its metrics, until it has ended."""

from __future__ import annotations

import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from byoa import jobs
from byoa.aws import logs as cloudwatch
from byoa.place import Place
from byoa.plan.errors import ByoaError
from byoa.plan.look import bars, colours
from byoa.plan.look.training import Course
from byoa.plan.names import task_of
from byoa.progress import say
from byoa.record import Run
from byoa.screen import has_colours, is_live, is_poor, live

LAST_LINES = 20
#: After Ctrl-C where something was only looked at.
RUNS_ON = "\nWhat was watched runs on."
HOST = re.compile(r"algo-\d+")


@dataclass
class Watch:
    """One job while it is watched; what was told already is not told again."""

    place: Place
    run: Run
    tell: Callable[[str], None] = say
    described: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    tails: dict[str, deque[str]] = field(default_factory=dict)
    news: list[str] = field(default_factory=list)

    def ended(self) -> bool:
        """Asks how the job is, tells what is new, says whether it is over."""
        found = jobs.describe(self.place, self.run.kind, self.run.job)
        if found is None:
            raise ByoaError(f"The job {self.run.job} is gone: somebody deleted it meanwhile.")
        self.described = found
        steps = found.get("SecondaryStatusTransitions", [])
        self.news += [step_text(step) for step in steps[self.steps :]]
        self.steps = len(steps)
        new = metrics(found)
        changed = {name: value for name, value in new.items() if self.metrics.get(name) != value}
        if changed:
            self.news.append("metrics: " + ", ".join(f"{n} {changed[n]:.6g}" for n in changed))
            self.metrics = new
        over = jobs.status_of(found) in jobs.OVER
        if not over:  # the end is told after the last lines
            self.tell_news()
        return over

    def tell_news(self) -> None:
        for text in self.news:
            self.tell(self.run.named(text))
        self.news.clear()

    def lines(self, pause: float = 0.0, follow: bool = True) -> Iterator[cloudwatch.Line]:
        """Every line of every host, as it is written; what a failure will want of them is kept."""
        kind, prefix = self.run.kind, f"{self.run.job}/"
        until = self.ended if follow else lambda: True
        group = jobs.group(kind)
        for said in cloudwatch.follow(self.place.logs, group, prefix, until, pause=pause):
            line = said._replace(text=self.run.named(said.text))
            self.tails.setdefault(line.host, deque(maxlen=LAST_LINES)).append(line.text)
            yield line
        self.tell_news()


def step_text(step: Mapping[str, Any]) -> str:
    message = f": {step['StatusMessage']}" if step.get("StatusMessage") else ""
    return f"{step['StartTime'].astimezone():%H:%M:%S} {step['Status']}{message}"


def metrics(described: Mapping[str, Any]) -> dict[str, float]:
    return {
        item["MetricName"]: float(item["Value"])
        for item in described.get("FinalMetricDataList", [])
    }


def line_text(line: cloudwatch.Line, coloured: bool = False) -> str:
    when = f"{datetime.fromtimestamp(line.time / 1000):%H:%M:%S}"
    if coloured:
        return colours.log_line(when, line.host, line.text)
    return f"{when} {line.host} | {line.text}"


def pause_of(place: Place) -> float:
    return 0.5 if place.is_local else 5.0


def watch(place: Place, run: Run, *, quiet: bool = False) -> Watch:
    """Watches a job to its end. Ctrl-C raises KeyboardInterrupt: the job runs on."""
    watched = Watch(place, run, (lambda _: None) if quiet else say)
    coloured = has_colours(sys.stderr)
    with job_bar(watched) as seen:
        for line in watched.lines(pause_of(place)):
            seen(line)
            if not quiet:
                say(line_text(line, coloured))
    return watched


@contextmanager
def job_bar(watched: Watch) -> Iterator[Callable[[cloudwatch.Line], None]]:
    """Below a job's lines how far it is; gives what is to be called with each line."""
    if not is_live(sys.stderr):
        yield lambda _: None
        return
    course = Course()
    with live(sys.stderr, partial(job_line, watched, course, time.time())):
        yield lambda line: course.take(line.text, line.time / 1000)


def job_line(watched: Watch, course: Course, begun: float, columns: int) -> list[str]:
    """The task, its state, its bar as far as its own words tell, the time since it was made."""
    found, now = watched.described, time.time()
    course.asked(found.get("HyperParameters", {}))
    created, state = found.get("CreationTime"), found.get("SecondaryStatus", "")
    trains = state in ("", "Training")  # what it said last is of no use while it uploads
    shown = bars.Bar(
        what=bars.joined(
            task_of(watched.run.job), state or jobs.status_of(found)
        ),
        part=course.part if trains else None, notes=course.notes(metrics(found)),
        left=course.remaining(now) if trains else None,
        seconds=max(0.0, now - (created.timestamp() if created else begun)),
    )  # fmt: skip
    return [bars.line(shown, columns, is_poor(sys.stderr))]


def last_lines(watched: Watch) -> tuple[str, list[str]]:
    """The host that failed, as far as can be told, and what it said last.

    The reason names it; else it is the one that speaks of an error; else the first.
    """
    tails = watched.tails
    named = HOST.search(str(watched.described.get("FailureReason", "")))
    if named and named[0] in tails:
        return named[0], list(tails[named[0]])
    for sign in ("Traceback", "rror"):
        for host, lines in sorted(tails.items()):
            if any(sign in line for line in lines):
                return host, list(lines)
    host = min(tails, default="")
    return host, list(tails.get(host, ()))


def ask_to_stop(job: str) -> bool:
    """After Ctrl-C on a terminal: whether to stop the job. Detaching is the default."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(f"\nThe job {job} runs on. Detach from it, or stop it? [D/s] ")
    try:
        return sys.stdin.readline().strip().lower() in {"s", "stop"}
    except KeyboardInterrupt:
        return False
