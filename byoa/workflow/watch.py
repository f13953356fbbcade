"""Watching an execution: its states in the terminal and on a page, until it has ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.aws import statemachines
from byoa.aws.statemachines import OVER, utc
from byoa.plan.advice import passes_by
from byoa.plan.errors import JobFailedError
from byoa.plan.workflow import picture
from byoa.plan.workflow.failure import failure_of
from byoa.plan.workflow.history import StateProgress, progress
from byoa.plan.workflow.work import Work, work
from byoa.progress import say
from byoa.workflow import runs
from byoa.workflow.home import Home
from byoa.workflow.table import News, Screen, lines, notes, spent

Sleep = Callable[[float], None]
#: Looks in a row that may fail for a reason that passes by.
PATIENCE = 30


@dataclass
class Watched:
    """One execution while it is watched; its events are fetched once each."""

    home: Home
    arn: str
    described: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    definition: dict[str, Any] = field(default_factory=dict)

    def look(self) -> bool:
        """Asks how it is; whether it has ended. Asked first: its last events are seen then."""
        states = self.home.states
        self.described = statemachines.describe(states, self.arn)
        last = self.events[-1]["id"] if self.events else 0
        self.events += statemachines.new_events(states, self.arn, last)
        return self.described["status"] in OVER

    @property
    def name(self) -> str:
        return str(self.described["name"])

    @property
    def workflow(self) -> str:
        return str(self.described["stateMachineArn"]).rpartition(":stateMachine:")[2].split(":")[0]

    @property
    def is_over(self) -> bool:
        return self.described["status"] in OVER

    @property
    def states(self) -> dict[str, StateProgress]:
        return progress(self.events, now=None if self.is_over else utc())

    @property
    def works(self) -> dict[str, Work]:
        return work(self.events)

    @property
    def heading(self) -> str:
        ended = self.described.get("stopDate") if self.is_over else None
        seconds = ((ended or utc()) - self.described["startDate"]).total_seconds()
        return f"{self.described['status']} · {spent(max(0.0, seconds))}"

    @property
    def failure(self) -> str:
        """Why it did not succeed, in one sentence; "" while it runs and when it did."""
        status = self.described["status"]
        if not self.is_over or status == "SUCCEEDED":
            return ""
        found = failure_of(self.described, self.events)
        return found.sentence(f"The workflow {self.workflow}", status)

    def drawn(self, kind: str, refresh: int = 0, opened: bool = False) -> str:
        """Mermaid, SVG or HTML, coloured; the page asks for itself anew until the end."""
        self.definition = self.definition or runs.definition(self.home, self.described)
        states, title = self.states, f"{self.workflow} {self.name}"
        if kind == "mermaid":
            return str(picture.mermaid(self.definition, states, opened=opened))
        if kind == "svg":
            return str(picture.svg(self.definition, states, title=title, opened=opened))
        works = self.works
        return str(
            picture.html(
                self.definition,
                states,
                title=title,
                subtitle=self.heading,
                refresh=0 if self.is_over else refresh,
                note=self.failure,
                notes={name: notes(state, works.get(name)) for name, state in states.items()},
            )
        )


def watch(
    home: Home,
    arn: str,
    *,
    quiet: bool = False,
    page: Path | None = None,
    sleep: Sleep = time.sleep,
) -> Watched:
    """Watches an execution to its end. Ctrl-C raises KeyboardInterrupt: it runs on."""
    watched, show = Watched(home, arn), shower(quiet)
    pause, patience = 1.0 if home.on == "sandbox" else 5.0, PATIENCE
    while True:
        try:
            over, patience = watched.look(), PATIENCE
        except Exception as error:  # a network that sleeps for a while, or a throttled account
            patience -= 1
            if not passes_by(error) or not patience:
                raise
            sleep(pause)
            continue
        show(watched)
        if page is not None:
            write(page, watched.drawn("html", refresh=round(max(pause, 2.0))))
        if over:
            return watched
        sleep(pause)


def shower(quiet: bool) -> Callable[[Watched], None]:
    """How to tell it: a table that is redrawn on a terminal, lines elsewhere, or not at all."""
    if quiet:
        return lambda _: None
    if not sys.stderr.isatty():
        news = News()

        def tell(watched: Watched) -> None:
            for line in news.of(watched.states, watched.works):
                say(f"{utc().astimezone():%H:%M:%S} {line}")

        return tell
    screen = Screen()

    def draw(watched: Watched) -> None:
        head = f"{watched.workflow} {watched.name}  {watched.heading}"
        screen.draw([head, *lines(watched.states, watched.works, screen.plain)])

    return draw


def write(path: Path, text: str) -> None:
    """Whole or not at all: a browser never sees half a page."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def end_of(watched: Watched) -> dict[str, Any]:
    """Its description if it succeeded; else JobFailedError: why, the log, how to go on."""
    if watched.described["status"] == "SUCCEEDED":
        return watched.described
    raise JobFailedError("\n".join([watched.failure, *hints(watched)]))


def hints(watched: Watched) -> list[str]:
    """Where to read more, and how to go on from there."""
    found = failure_of(watched.described, watched.events)
    job = watched.works.get(found.state)
    place = watched.home.said
    said = []
    if job and job.log:
        said.append(f"Its log: {job.log}{place if job.log.startswith('byoa') else ''}")
    mended = "" if watched.described["status"] == "ABORTED" else "Once that is mended: "
    if found.is_final:
        said.append(f"{mended}byoa workflow run {watched.workflow}{place} starts it anew.")
    elif not runs.why_not(watched.described, utc()):
        same = " with the same input and definition" if mended else ""
        again = f"byoa workflow redrive {watched.workflow} {watched.name}{place}"
        said.append(f"{mended}{again} goes on from {found.state or 'there'}{same}.")
    return said


def summary(watched: Watched) -> Mapping[str, Any]:
    """What there is to tell of an execution at last; its JSON opened."""
    described = watched.described
    return {
        "workflow": watched.workflow,
        "execution": watched.name,
        "status": described["status"],
        "input": json.loads(described.get("input") or "null"),
        "output": json.loads(described.get("output") or "null"),
        "arn": watched.arn,
    }
