"""Where a task's log is, and its lines as they come."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from byoa.pipeline.runs import newest_first
from byoa.pipeline.state import folder_of
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.records import file_name

PAUSE = 0.2


def log_of(pipeline: Pipeline, task: str, run: str = "", *, running: bool = False) -> Path:
    """The newest log of a task, or that of one run; a running task's may be empty yet."""
    folders = newest_first(pipeline)
    if run:
        folders = [folder_of(pipeline) / "runs" / run]
        if not folders[0].is_dir():
            raise NotFoundError(f"There is no run {run}. See {folders[0].parent}.")
    for folder in folders:
        log = folder / "logs" / f"{file_name(task)}.log"
        if log.is_file() and (running or log.stat().st_size):
            return log
    raise NotFoundError(f"{task} has printed nothing in {run or 'any run that is kept'}.")


def follow(
    log: Path, task: str, out: BinaryIO, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Copies a log until its task has ended."""
    with log.open("rb") as file:
        while True:
            over = ended(log.parent.parent, task)  # asked first: what it wrote before is copied
            while data := file.read(1 << 16):
                out.write(data)
            out.flush()
            if over:
                return
            sleep(PAUSE)


def ended(run: Path, task: str) -> bool:
    """Whether the run, or the task in it, is over: its events say so, or nobody writes them."""
    over = False
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "run-end":
            return True
        if event.get("task") == task:
            over = event.get("event") == "task-end" and not event.get("retry")
    return over or not locked(run.parent.parent)


def locked(home: Path) -> bool:
    """Whether a build of this pipeline runs now."""
    import fcntl

    from byoa.pipeline.lock import NAME

    try:
        with (home / NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
