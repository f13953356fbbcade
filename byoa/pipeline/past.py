"""Runs of a pipeline as they are on disk, read while they go on, cut off or damaged too."""

from __future__ import annotations

import fcntl
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from byoa.pipeline.lock import NAME as LOCK
from byoa.pipeline.runs import newest_first
from byoa.pipeline.state import folder_of
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.report.ran import Run, number

#: Of a name, what says that its value is nobody's business.
SECRET = ("password", "passwd", "secret", "token", "key", "credential", "dsn", "uri", "url")


def found_run(pipeline: Pipeline, run: str = "") -> Path | None:
    """The folder of the run that is named, by its id's beginning; of the last one."""
    folders = newest_first(pipeline)
    if not run:
        return folders[0] if folders else None
    for folder in folders:
        if folder.name.startswith(run):
            return folder
    known = ", ".join(folder.name for folder in folders[:5])
    raise NotFoundError(f"There is no run {run!r}. {f'The last ones: {known}' if known else ''}")


def read_run(folder: Path, pipeline: Pipeline) -> Run:
    """A run out of its files; one whose driver is gone has nothing at work."""
    said = read_json(folder / "run.json")
    run = Run(pipeline.tasks, run=folder.name, jobs=int(number(said.get("jobs"))))
    for event in events(folder / "events.jsonl"):
        name = event.get("task")
        if name is None or (isinstance(name, str) and name in pipeline.tasks):
            run.take(event)
    decisions = said.get("decisions")
    for name, decision in decisions.items() if isinstance(decisions, dict) else ():
        _why(run, name, decision)
    if run.ended is None and not (run.run == said.get("run") and at_work(pipeline)):
        run.close()
    return run


def _why(run: Run, name: str, decision: Any) -> None:
    """What was planned, in full, for what ran because of it."""
    before = run.tasks.get(name)
    try:
        planned = decision["action"] == "run"
        texts = [str(reason["text"]) for reason in decision["reasons"]]
    except (KeyError, TypeError):  # of another version, or damaged
        return
    if before and texts and planned and before.started is not None:
        run.tasks[name] = replace(before, reason="; ".join(texts[:3]))


def events(path: Path) -> Iterable[Mapping[str, Any]]:
    """The events of a file that may end in half a line."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def command_of(folder: Path) -> str:
    """What was typed; values of env.yaml that may be secrets are not repeated on a page."""
    argv = read_json(folder / "run.json").get("argv")
    words = [str(word) for word in argv] if isinstance(argv, list) else []
    if words:
        words[0] = Path(words[0]).name
    hidden = False
    for place, word in enumerate(words):
        name, equals, _ = word.partition("=")
        secret = name.startswith("--env--") and any(part in name.lower() for part in SECRET)
        if hidden or (secret and equals):
            words[place] = "***" if hidden else f"{name}=***"
        hidden = secret and not equals
    return shlex.join(words)


def at_work(pipeline: Pipeline) -> bool:
    """Whether a build of it goes on: then its lock is held."""
    try:
        with (folder_of(pipeline) / LOCK).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except OSError:
        pass
    return False
