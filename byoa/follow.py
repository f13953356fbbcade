"""Watching a job: its steps, the lines of all its hosts, its metrics, until it has ended."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from byoa import jobs
from byoa.aws import logs as cloudwatch
from byoa.place import Place
from byoa.plan.errors import ByoaError
from byoa.progress import say

LAST_LINES = 20
HOST = re.compile(r"algo-\d+")


@dataclass
class Watch:
    """One job while it is watched; what was told already is not told again."""

    place: Place
    kind: str
    job: str
    tell: Callable[[str], None] = say
    described: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    tails: dict[str, deque[str]] = field(default_factory=dict)

    def ended(self) -> bool:
        """Asks how the job is, tells what is new, says whether it is over."""
        found = jobs.describe(self.place, self.kind, self.job)
        if found is None:
            raise ByoaError(
                f"The job {self.job} is gone: somebody deleted it while it was watched."
            )
        self.described = found
        steps = found.get("SecondaryStatusTransitions", [])
        for step in steps[self.steps :]:
            self.tell(f"{step['StartTime'].astimezone():%H:%M:%S} {words_of(step)}")
        self.steps = len(steps)
        self._tell_metrics(found)
        return jobs.status_of(found) in jobs.OVER

    def _tell_metrics(self, found: Mapping[str, Any]) -> None:
        new = metrics(found)
        changed = {name: value for name, value in new.items() if self.metrics.get(name) != value}
        if changed:
            self.tell("metrics: " + ", ".join(f"{name} {changed[name]:.6g}" for name in changed))
            self.metrics = new

    def lines(self, pause: float) -> Iterator[cloudwatch.Line]:
        """Every line of every host, as it is written; what a failure will want of them is kept."""
        for line in cloudwatch.follow(
            self.place.logs, jobs.group(self.kind), f"{self.job}/", self.ended, pause=pause
        ):
            self.tails.setdefault(line.host, deque(maxlen=LAST_LINES)).append(line.text)
            yield line

    def lines_so_far(self) -> Iterator[cloudwatch.Line]:
        return cloudwatch.follow(self.place.logs, jobs.group(self.kind), f"{self.job}/")


def words_of(step: Mapping[str, Any]) -> str:
    message = step.get("StatusMessage", "")
    return f"{step['Status']}: {message}" if message else str(step["Status"])


def metrics(described: Mapping[str, Any]) -> dict[str, float]:
    return {
        item["MetricName"]: float(item["Value"])
        for item in described.get("FinalMetricDataList", [])
    }


def line_text(line: cloudwatch.Line) -> str:
    return f"{datetime.fromtimestamp(line.time / 1000):%H:%M:%S} {line.host} | {line.text}"


def watch(place: Place, kind: str, job: str, *, quiet: bool = False) -> Watch:
    """Watches a job to its end. Ctrl-C raises KeyboardInterrupt: the job runs on."""
    watched = Watch(place, kind, job, (lambda _: None) if quiet else say)
    for line in watched.lines(pause=0.5 if place.is_local else 5.0):
        if not quiet:
            say(line_text(line))
    return watched


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
