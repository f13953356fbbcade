"""What a task of a run on AWS printed, while it runs or afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from byoa.aws.logs import follow as follow_stream
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import ACTIVE, TaskSeen
from byoa.pipeline.batch.watch import pause_of
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.manifest import Run


def lines(
    home: Home,
    run: Run,
    task: str,
    *,
    follow: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Every attempt's lines; with `follow` until the task has ended, whatever it waits for."""
    told: set[str] = set()
    while True:
        seen = one(home, run, task)
        for stream in [name for name in seen.streams if name not in told]:
            told.add(stream)
            over = (lambda: one(home, run, task).status not in ACTIVE) if follow else (lambda: True)
            if len(told) > 1:
                yield f"--- attempt {len(told)} ---"
            for line in follow_stream(
                home.place.logs, seen.group, stream, over, pause=pause_of(home), sleep=sleep
            ):
                yield line.text
        if not follow or seen.status not in ACTIVE:
            break
        sleep(pause_of(home))
    if not told:
        yield from kept(home, run, seen)


def one(home: Home, run: Run, task: str) -> TaskSeen:
    """The task, as it is now."""
    found = runs.look_at(home, run, task)
    if found is None:
        raise NotFoundError(
            f"The run {run.run} has no task {task!r}: it was up to date, or left out."
        )
    return found


def kept(home: Home, run: Run, seen: TaskSeen) -> Iterator[str]:
    """The log beside the run, where Batch has forgotten the job; else why there is none."""
    data = home.store.find(manifest.log_name(run.run, seen.task))
    if data is not None:
        yield from data.decode(errors="replace").splitlines()
    else:
        home.say(f"{seen.task} is {seen.status}{f': {seen.reason}' if seen.reason else ''}")
