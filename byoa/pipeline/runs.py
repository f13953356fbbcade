"""One walk through a pipeline on disk: run.json, events.jsonl, a log for each task that ran."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from byoa import files
from byoa.pipeline.state import folder_of
from byoa.plan.pipeline.model import Decision, Pipeline
from byoa.plan.pipeline.records import file_name

#: Runs that are kept beside those whose logs a record names.
KEPT = 30


def new_id(now: datetime) -> str:
    """Sorts by time. A pipeline has one build at a time, so two never begin together."""
    return f"{now:%Y%m%d-%H%M%S-%f}"


class Run:
    """The folder of a run, made with its first event: a build with nothing to do leaves none."""

    def __init__(self, pipeline: Pipeline, argv: Sequence[str] = (), id_: str = "") -> None:
        self.pipeline, self.argv = pipeline, tuple(argv)
        self.began = datetime.now(timezone.utc)
        self.id = id_ or new_id(self.began)
        self.folder = folder_of(pipeline) / "runs" / self.id
        self._events: Any = None

    def begin(self, jobs: int, decisions: Mapping[str, Decision]) -> None:
        """Writes run.json and opens the events."""
        ignore = Path(self.pipeline.root, ".byoa", ".gitignore")
        if not ignore.is_file():
            files.replace(ignore, b"*\n")
        (self.folder / "logs").mkdir(parents=True)
        said = {
            "version": 1,
            "run": self.id,
            "pipeline": self.pipeline.name,
            "started": stamp(self.began),
            "argv": list(self.argv),
            "jobs": jobs,
            "decisions": {
                name: {"action": one.action, "reasons": [asdict(reason) for reason in one.reasons]}
                for name, one in decisions.items()
            },
        }
        files.replace(self.folder / "run.json", json.dumps(said).encode())
        self._events = (self.folder / "events.jsonl").open("a", encoding="utf-8")

    @property
    def begun(self) -> bool:
        return self._events is not None

    def write(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Events, on disk at once."""
        if self._events is not None:
            self._events.write("".join(f"{json.dumps(event)}\n" for event in events))
            self._events.flush()

    def log(self, task: str) -> Path:
        return self.folder / "logs" / f"{file_name(task)}.log"

    def relative(self, path: Path) -> str:
        return path.relative_to(self.pipeline.root).as_posix()

    def close(self) -> None:
        if self._events is not None:
            self._events.close()


def stamp(when: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return when.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(seconds: float) -> datetime:
    return datetime.now(timezone.utc) - timedelta(seconds=seconds)


def now() -> str:
    return stamp(datetime.now(timezone.utc))


def newest_first(pipeline: Pipeline) -> list[Path]:
    """The folders of earlier runs."""
    folder = folder_of(pipeline) / "runs"
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if path.is_dir()), reverse=True)


def prune(pipeline: Pipeline, named: set[str], keep: int = KEPT) -> list[Path]:
    """Removes old runs; those stay whose logs a record names (`named` are the runs' ids)."""
    removed = [path for path in newest_first(pipeline)[keep:] if path.name not in named]
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    return removed


def spoken(log: Path) -> bool:
    """Whether a task said anything; an empty log is removed."""
    try:
        if log.stat().st_size:
            return True
        log.unlink()
    except FileNotFoundError:
        pass
    return False
