"""What of a pipeline can go: old runs, leftovers, records of vanished tasks, products.

`found` decides, `remove` does. A product that is not what its record says is the user's by now.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from byoa.pipeline.commit import staged_path
from byoa.pipeline.hashes import Hashes
from byoa.pipeline.runs import newest_first
from byoa.pipeline.state import State, folder_of
from byoa.plan.pipeline import records
from byoa.plan.pipeline.model import Pipeline, Record


@dataclass(frozen=True)
class Removal:
    """Something to remove, and what it is."""

    path: Path
    what: str
    task: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to go: runs beyond the newest, and products of these tasks."""

    keep_runs: int = 1
    products: frozenset[str] = frozenset()
    vanished: bool = False  #: products of tasks that the pipeline has no more


def found(pipeline: Pipeline, wish: Wish) -> tuple[list[Removal], list[str]]:
    """What to remove, and sentences on what is kept though it was asked for."""
    home, kept = folder_of(pipeline), list[str]()
    known = {records.file_name(task) + records.SUFFIX: task for task in pipeline.tasks}
    removals = [*old_runs(pipeline, wish.keep_runs), *leftovers(pipeline)]
    hashes = Hashes(home / "hashes.json")
    for path in sorted((home / "records").glob(f"*{records.SUFFIX}")):
        task, record = known.get(path.name), readable(path)
        if task is None and not wish.vanished:
            name = record.task if record else path.name
            kept.append(f"{name} is no task any more: --vanished removes what it made.")
        elif task is None or task in wish.products:
            removals += products(pipeline, record, hashes, kept) if record else ()
            removals.append(Removal(path, "record", record.task if record else ""))
    return removals, kept


def old_runs(pipeline: Pipeline, keep: int) -> Iterator[Removal]:
    """Runs beyond the newest; those whose logs a record names stay as well."""
    named = {record.run for record in State(pipeline).records().values()}
    for path in newest_first(pipeline)[keep:]:
        if path.name not in named:
            yield Removal(path, "old run")


def leftovers(pipeline: Pipeline) -> Iterator[Removal]:
    """What tasks were making when a build was killed."""
    work = folder_of(pipeline) / "work"
    if work.is_dir():
        yield Removal(work, "left by a build that was killed")
    for task in pipeline.tasks.values():
        for product in task.products.values():
            if product.is_file and Path(product.path).is_absolute():
                beside = staged_path(product, work / records.file_name(task.name)).parent
                if beside.is_dir():
                    yield Removal(beside, "left by a build that was killed", task.name)


def readable(path: Path) -> Record | None:
    try:
        return records.read(path.read_bytes())
    except (OSError, records.UnreadableError):
        return None


def products(
    pipeline: Pipeline, record: Record, hashes: Hashes, kept: list[str]
) -> Iterator[Removal]:
    """The files and folders that a record names, as far as they are still what was made."""
    mine = {
        product.path
        for task in pipeline.tasks.values()
        if task.name != record.task
        for product in task.products.values()
    }
    given = pipeline.tasks.get(record.task)
    if given and given.kind in {"input", "link"}:
        return  # the user's own files
    for made in record.products.values():
        path = Path(pipeline.root, made.path)
        if made.path in mine or not path.exists():
            continue
        if hashes.digest(path) != made.digest:
            kept.append(f"{made.path} was changed since {record.task} made it: it stays.")
        else:
            yield Removal(path, "product", record.task)


def remove(removals: list[Removal]) -> None:
    """Removes records first: what has none is made again, what has one has to be there."""
    for one in sorted(removals, key=lambda one: not one.what.startswith("record")):
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path)
        else:
            one.path.unlink(missing_ok=True)
