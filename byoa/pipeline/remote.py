"""What a job of AWS Batch runs: one task of a run, from its upstream's content to its record.

`python -m byoa.pipeline.remote --run s3://…/runs/RUN/ --task TASK`; an array's child finds its task
by its number. The exit code says who failed: 1 the task, 75 a service that did not answer.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.pipeline.batch import away
from byoa.pipeline.store import ContentStore
from byoa.plan.advice import explain, passes_by
from byoa.plan.batch import TEMPORARY
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline import manifest, records
from byoa.plan.pipeline.manifest import Ended, Run
from byoa.plan.pipeline.model import Pipeline, Record, Task

if TYPE_CHECKING:
    from byoa.pipeline.outcome import Outcome, Result
    from byoa.pipeline.state import State

INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
JOB = "AWS_BATCH_JOB_ID"


def main(
    words: Sequence[str] | None = None, opened: Callable[[str], ContentStore] | None = None
) -> int:
    """The exit code of one task; `opened` gives the store of a run by its address."""
    arguments = parser().parse_args(words)
    try:
        if arguments.check:
            return check(arguments.check, dict(one.split("=", 1) for one in arguments.env))
        if arguments.nothing:  # a join: all that it waits for has succeeded
            return 0
        with own_folder(arguments.own_copy):
            return One((opened or store_of)(arguments.run), run_of(arguments.run)).go(arguments)
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        print(f"byoa: {told}", file=sys.stderr, flush=True)
        return TEMPORARY if passes_by(error) else told.exit_code


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m byoa.pipeline.remote", description=__doc__)
    made.add_argument("--run", help="s3://…/runs/RUN/")
    made.add_argument("--task", help="which task; else the array's")
    made.add_argument("--job", help="the array's name")
    made.add_argument("--round", type=int, default=1, help="the submission that has the array")
    made.add_argument("--own-copy", action="store_true", help="in a copy of the working folder")
    made.add_argument("--nothing", action="store_true", help="end at once: a join of jobs")
    made.add_argument("--check", metavar="ENTRY", help="load this pipeline and end")
    made.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="for --check"
    )
    return made


def check(entry: str, overrides: Mapping[str, str]) -> int:
    """Whether the image holds what its pipeline needs to be loaded."""
    from byoa.pipeline.load import load

    print(f"{len(load(entry, overrides).tasks)} tasks")
    return 0


def run_of(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def store_of(uri: str) -> ContentStore:
    """The store that a run lies in: two folders above it."""
    base = uri.rstrip("/").rpartition("/")[0].rpartition("/")[0]
    if base.startswith("file://"):
        from byoa.local.folder_storage import FolderStorage, path_of

        return ContentStore(FolderStorage(path_of(base)), base)
    from byoa.aws.session import Session
    from byoa.aws.storage import S3Storage

    return ContentStore(S3Storage(Session().client("s3"), base), base)


@contextmanager
def own_folder(wanted: bool) -> Iterator[None]:
    """Where jobs share a folder of one machine each works in a copy of it."""
    if not wanted:
        yield
        return
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="byoa-task-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(here, copy, symlinks=True, ignore=shutil.ignore_patterns(".byoa"))
        os.chdir(copy)
        try:
            yield
        finally:
            os.chdir(here)


@dataclass
class One:
    """One task of one run, in its container."""

    store: ContentStore
    name: str

    def go(self, arguments: argparse.Namespace) -> int:
        where = f"{manifest.place(self.name)}run.json"
        self.run: Run = manifest.read_run(self.store.read(where), self.store.uri(where))
        task = arguments.task or self.child(arguments.job, arguments.round)
        return self.task(task)

    def child(self, job: str, number: int) -> str:
        """The task of this child of an array."""
        where = f"{manifest.place(self.name)}rounds/{number:04}.json"
        found = manifest.read_round(self.store.read(where), self.store.uri(where))
        tasks = next((one.tasks for one in found.jobs if one.name == job), ())
        index = int(os.environ.get(INDEX, "0"))
        if index >= len(tasks):
            raise NotFoundError(f"{where} has no task {index} of {job}. Submit the pipeline anew.")
        return tasks[index]

    def task(self, name: str) -> int:
        from byoa.pipeline.load import load

        pipeline = load(self.run.entry, dict(self.run.overrides))
        task = pipeline.tasks.get(name)
        if task is None or name not in self.run.tasks:
            raise NotFoundError(
                f"{self.run.entry} of this image has no task {name!r}. Submit the pipeline anew."
            )
        known = self.records(task)
        said = self.run.tasks[name]
        own = away.read_records(self.store, [name])
        held = self.held(own.get(name))
        seen = away.Away(pipeline, {**known, **own}, {name: said.environment}, held.__contains__)
        decision = seen.decide(task, said.forced)
        why = tuple(reason.text for reason in decision.reasons)
        if decision.action == "keep":
            print(f"byoa: {name} is up to date", flush=True)
            self.end(Ended(task=name, outcome="kept", record=plain(own[name])))
            return 0
        print(f"byoa: {name} runs: {'; '.join(why)}", flush=True)
        away.fetch(self.store, pipeline, known.values(), seen.state)
        return self.built(pipeline, task, seen.state, why)

    def held(self, record: Record | None) -> set[str]:
        """Of a record's contents those that the store has."""
        return self.store.has(made.digest for made in record.products.values()) if record else set()

    def records(self, task: Task) -> dict[str, Record]:
        """Upstream's records: as they ended in this run, else the last ones."""
        with ThreadPoolExecutor(away.READERS) as pool:
            found = dict(zip(task.needs, pool.map(self.ended_record, task.needs)))
        lost = [need for need, record in found.items() if record is None]
        last = away.read_records(self.store, lost)
        if missing := [need for need in lost if need not in last]:
            raise NotFoundError(
                f"{task.name} needs {', '.join(missing)}, which has no record. Submit it, too."
            )
        return {need: record or last[need] for need, record in found.items()}

    def ended_record(self, task: str) -> Record | None:
        if task not in self.run.tasks:
            return None
        for outcome in ("done", "kept"):
            data = self.store.find(manifest.ended_name(self.run.run, task, outcome))
            if data is not None:
                found = manifest.read_ended(data, task).record
                return records.read(manifest.json_of(found), task)
        return None

    def built(self, pipeline: Pipeline, task: Task, state: State, why: tuple[str, ...]) -> int:
        """Builds the one task; its log is on stdout as it comes, and beside the run afterwards."""
        from byoa.pipeline.build import Options, build
        from byoa.plan.pipeline.selection import Selection

        only = (glob.escape(task.name),)
        begun = time.monotonic()
        result = build(
            pipeline,
            Selection(only=only, skip_upstream=True, force=only),
            Options(jobs=1, echo=True),
            state=state,
        )
        outcome = result.outcomes[task.name]
        self.keep_log(pipeline, outcome)
        record = state.record(task) if outcome.outcome in ("done", "kept") else None
        seconds = round(time.monotonic() - begun, 3)
        if record is None:
            return self.failed(task, result, outcome, why)
        record = replace(record, log="", run=self.run.run)
        paths = {
            made.digest: Path(pipeline.root, made.path)
            for key, made in record.products.items()
            if task.products[key].is_file
        }
        written = records.written(record, stats=False).encode()
        self.store.publish(manifest.record_name(task.name), written, paths)
        self.end(replace(ended(outcome, "done", why), seconds=seconds, record=plain(record)))
        return 0

    def failed(self, task: Task, result: Result, outcome: Outcome, why: tuple[str, ...]) -> int:
        """The exit code; what was stopped from outside has not failed by itself."""
        if not result.stopped:
            error = outcome.failure.text if outcome.failure else "it did not finish"
            print(f"byoa: {task.name} failed: {error}", file=sys.stderr, flush=True)
            self.end(replace(ended(outcome, "failed", why), error=error[-4000:]))
        return result.exit_code or 1

    def keep_log(self, pipeline: Pipeline, outcome: Outcome) -> None:
        if outcome.log:
            where = manifest.log_name(self.run.run, outcome.task)
            with suppress(OSError, ByoaError):
                self.store.storage.upload(Path(pipeline.root, outcome.log), self.store.uri(where))

    def end(self, ended: Ended) -> None:
        said = replace(ended, job=os.environ.get(JOB, ""), at=now())
        name = manifest.ended_name(self.run.run, ended.task, ended.outcome)
        self.store.write(name, manifest.written(said))


def ended(outcome: Outcome, word: str, why: tuple[str, ...]) -> Ended:
    numbers = outcome.figures()
    return Ended(
        task=outcome.task,
        outcome=word,
        seconds=numbers["seconds"],
        cpu_seconds=numbers["cpu_seconds"],
        peak_mb=numbers["peak_mb"],
        why=why,
    )


def plain(record: Record) -> Mapping[str, Any]:
    """The record as an object within another document."""
    return manifest.object_of(records.written(replace(record, log=""), stats=False))


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
