"""A run on AWS watched to its end: the same table as of a build here, then what failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.aws.logs import follow
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import Seen, TaskSeen
from byoa.pipeline.show import Show
from byoa.plan.advice import passes_by
from byoa.plan.pipeline.manifest import Run

LAST_LINES = 15
#: Failed tasks whose last lines are shown.
MOST_SHOWN = 5
#: Up to here every child of every array is asked for each time.
WHOLE = 300
#: Looks in a row that may be throttled or cut.
PATIENCE = 20


def pause_of(home: Home) -> float:
    return 0.5 if home.place.name == "sandbox" else 5.0


def watch(
    home: Home, run: Run, as_json: bool = False, *, sleep: Callable[[float], None] = time.sleep
) -> int:
    """0 when every task is done; Ctrl-C leaves the run going on."""
    show = Show(run.tasks)
    try:
        seen = watched(home, run, show, sleep)
    except KeyboardInterrupt:
        show.close()
        home.say(f"\nThe run {run.run} goes on. Watch it: byoa pipeline status{home.said} --wait")
        home.say(f"End it: byoa pipeline cancel{home.said}")
        return 130
    show.close()
    return tell_end(home, run, seen, as_json)


def tell_end(home: Home, run: Run, seen: Seen, as_json: bool) -> int:
    """Tells how a run has ended, and the last lines of what failed; the exit code."""
    for one in [one for one in seen.tasks.values() if one.status == "failed"][:MOST_SHOWN]:
        tell_failure(home, one)
    if as_json:
        print(json.dumps(as_data(seen), indent=2))
    home.say(f"run {run.run}: {counted(seen)}")
    return int(bool(seen.undone))


def watched(home: Home, run: Run, show: Show, sleep: Callable[[float], None]) -> Seen:
    news, patience = News(show.event), PATIENCE
    while True:
        try:
            seen = runs.look(home, run, whole=len(run.tasks) <= WHOLE)
            patience = PATIENCE
        except Exception as error:
            patience -= 1
            if not patience or not passes_by(error):
                raise
            sleep(pause_of(home))
            continue
        news.take(seen)
        for text in news.stuck(seen):
            show.say(f"Batch does not begin a job: {text}")
        if not seen.active:
            return runs.look(home, run, whole=True)
        end = time.monotonic() + pause_of(home)
        while time.monotonic() < end:
            show.tick()
            sleep(0.1)


@dataclass
class News:
    """Tells what is new of a run as the events of a build."""

    tell: Callable[[Mapping[str, Any]], None]
    known: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def stuck(self, seen: Seen) -> list[str]:
        """Batch's words, new ones, on why what is queued stays there: a size that no machine has,
        a network without a way out, no machine to be had."""
        found = {one.said for one in seen.tasks.values() if one.status == "queued" and one.said}
        new = sorted(found - self.told)
        self.told |= found
        return new

    def take(self, seen: Seen) -> None:
        for one in seen.tasks.values():
            if self.known.get(one.task) != one.status:
                self.known[one.task] = one.status
                for event in events(one):
                    self.tell({"time": time.time(), "task": one.task, **event})


def events(seen: TaskSeen) -> Iterator[dict[str, Any]]:
    if seen.status == "running":
        yield {"event": "task-start", "attempt": len(seen.attempts) + 1}
    outcomes = {"done", "kept", "failed", "skipped", "cancelled"}
    if seen.status in outcomes:
        event: dict[str, Any] = {"event": "task-end", "outcome": seen.status}
        event["attempt"] = max(1, len(seen.attempts))
        if seen.seconds is not None:
            event["seconds"] = seen.seconds
        if seen.status == "failed":
            event["error"] = seen.reason
        yield event


def tell_failure(home: Home, seen: TaskSeen) -> None:
    home.say(f"\n{seen.task} failed: {seen.reason}")
    for stream in seen.streams[-1:]:
        lines = list(follow(home.place.logs, seen.group, stream))[-LAST_LINES:]
        for line in lines:
            home.say(f"  {line.text}")


def counted(seen: Seen) -> str:
    return ", ".join(f"{count} {word}" for word, count in seen.counts.most_common())


def as_data(seen: Seen, tasks: Iterable[TaskSeen] | None = None) -> dict[str, Any]:
    """For --json: the run and its tasks, with stable keys."""
    return {
        "run": seen.run.run,
        "status": seen.word,
        "tasks": [
            {
                "task": one.task,
                "status": one.status,
                "job": one.job,
                "attempts": len(one.attempts),
                "interruptions": one.interruptions,
                "seconds": one.seconds,
                "reason": one.said,
                "logs": one.streams,
            }
            for one in (seen.tasks.values() if tasks is None else tasks)
        ],
    }
