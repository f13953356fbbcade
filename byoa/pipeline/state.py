"""What is done of a pipeline, kept below `.byoa/pipeline/NAME`: one readable record a task.

The order that makes a kill harmless: the record goes before anything of its products is replaced,
products are renamed into place, the record is written last. What has no record is made again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa import files
from byoa.pipeline import commit, hashes
from byoa.pipeline.collector import no_collection
from byoa.pipeline.folders import Ledger
from byoa.pipeline.hashes import BIG, TICK_NS, Hashes, Stamp, stamped
from byoa.pipeline.local_modules import drop_stale_bytecode
from byoa.pipeline.sources import Sources
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline import records
from byoa.plan.pipeline.decide import Look, decision, same
from byoa.plan.pipeline.decide import plan as planned
from byoa.plan.pipeline.fingerprint import place, product_key, settled
from byoa.plan.pipeline.model import (
    Decision,
    Fingerprint,
    Made,
    Pipeline,
    Product,
    Reason,
    Record,
    Task,
)
from byoa.plan.pipeline.reasons import MEANWHILE
from byoa.plan.pipeline.selection import Selection, chosen

if TYPE_CHECKING:
    from byoa.pipeline.clients.aside import Aside

JOBS = frozenset({"train", "process", "deploy"})
#: Their source is data: what it holds counts, not how it is called.
DATA = frozenset({"sql-upload", "upload"})
#: Every task, none forced.
ALL = Selection()
#: What is read to tell whether a table is there: a relation's products and clients, by task.
Exists = Callable[[Pipeline, Task, Product], bool]


@dataclass(frozen=True)
class Begun:
    """A task at work: what decides it, and the stamps of all that it reads."""

    fingerprint: Fingerprint
    run: str
    witness: Mapping[Path, Stamp | None]


class State:
    """The records of a pipeline on this disk; one process at a time may change them."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        images: Mapping[str, str] = {},
        exists: Exists | None = None,
        home: Path | None = None,
    ) -> None:
        self.pipeline, self.images = pipeline, images
        self.root = Path(pipeline.root)
        self.folder = home or folder_of(pipeline)
        self.work = self.folder / "work"
        self.hashes = Hashes(self.folder / "hashes.json")
        self.sources = Sources(pipeline, self.folder / "code.json")
        self._exists = exists
        self._read: dict[str, Record | Reason | None] = {}
        self._begun: dict[str, Begun] = {}

    # What is known

    def records(self) -> dict[str, Record]:
        """Of every task that is done, its record."""
        found = {name: self.record(task) for name, task in self.pipeline.tasks.items()}
        return {name: record for name, record in found.items() if record is not None}

    def record(self, task: Task) -> Record | None:
        read = self._record(task.name)
        return read if isinstance(read, Record) else None

    def _record(self, name: str) -> Record | Reason | None:
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> Record | Reason | None:
        try:
            return records.read(self.file(name).read_bytes(), name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except records.UnreadableError as error:
            return Reason("new", f"new: its record {error}")

    def file(self, name: str) -> Path:
        """Where a task's record is."""
        return self.folder / "records" / (records.file_name(name) + records.SUFFIX)

    def fingerprint(self, task: Task, upstream: Mapping[str, str] = {}) -> Fingerprint:
        """What decides the task's result now; `upstream` as in `upstream()`."""
        resources = {key: self.hashes.digest(self.root / at) for key, at in task.resources.items()}
        image = self.images.get(task.name, "")
        if task.kind in DATA and task.source.path:  # a product of upstream's, or the user's own
            resources["source"] = self.hashes.digest(self.root / task.source.path)
        if task.kind in JOBS:
            from byoa.pipeline.job_tasks import facts_of

            facts = facts_of(task, self.root, self.hashes.digest)
            resources |= facts.resources
            image = image or facts.image
        source, options = self.sources.of(task), self.sources.options(task)
        now = settled(task, source, resources, image, options, root=self.pipeline.root)
        return replace(now, upstream=upstream)

    def digests(self, task: Task) -> dict[str, str]:
        """What the task's products hold now, by key; "" where nothing is."""
        record = self.record(task)
        return {
            key: self._digest(task, key, record.products.get(key) if record else None)
            for key in task.products
        }

    def _digest(self, task: Task, key: str, made: Made | None) -> str:
        product = task.products[key]
        if not product.is_file:
            return made.digest if made and self._there(task, product) else ""
        path = self.root / product.path
        if made and made.stat and made.path == product.path and stamped(path) == made.stat:
            return made.digest
        return self.hashes.digest(path)

    def _there(self, task: Task, product: Product) -> bool:
        if self._exists is not None:
            return self._exists(self.pipeline, task, product)
        from byoa.pipeline.relations import exists

        return exists(self.aside, task, product)

    @cached_property
    def aside(self) -> Aside:
        """The user's clients, in a process of their own."""
        from byoa.pipeline.clients.aside import Aside

        return Aside(self.pipeline)

    def upstream(self, task: Task) -> dict[str, str]:
        """What upstream gives the task now, by "task" or "task:product key"."""
        tasks = self.pipeline.tasks
        return {
            product_key(name, key): digest
            for name in task.needs
            for key, digest in self.digests(tasks[name]).items()
        }

    # What is decided

    def plan(self, selection: Selection = ALL) -> dict[str, Decision]:
        """Every task's decision, in the order in which they can run; nothing is changed."""
        with no_collection():
            names = chosen(self.pipeline, selection)
            found = planned(self.pipeline, names, self.look, self.digests)
        self.save()
        return found

    def decide(self, task: Task, *, forced: bool = False) -> Decision:
        """One task's decision once its upstream is done: it runs or is kept."""
        upstream = self.upstream(task)
        return decision(task.name, self.look(task), upstream, forced)

    def look(self, task: Task) -> Look:
        read = self._record(task.name)
        now = self.fingerprint(task)
        if not isinstance(read, Record):
            return Look(now, None, (read,) if read else ())
        return Look(now, read, tuple(self._troubles(task, read)))

    def _troubles(self, task: Task, record: Record) -> Iterator[Reason]:
        """What became of the products since the record was written."""
        for key, product in task.products.items():
            made = record.products.get(key)
            if made is None or made.path != place(product):
                continue  # which the fingerprint's difference says
            found = self._digest(task, key, made)
            if not found:
                yield Reason("product", f"product {made.path} is missing")
            elif found != made.digest:
                yield Reason("product", f"product {made.path} was changed since it was made")

    # What is done

    def stage(self, task: Task) -> tuple[Path, dict[str, Path]]:
        """A fresh staging tree for a task, and where in it each product is to be written."""
        self._home()
        return commit.prepare(task, self.root, self.work)

    def begin(self, task: Task, run: str = "") -> Fingerprint:
        """What decides this run, before anything of it is done.

        A record that would call the task done is forgotten. One of other code or data stays as long
        as its products do: whoever goes back to that code has them.
        """
        self._home()
        self._need_upstream(task)
        witness = {**self._code(task), **{path: stamped(path) for path in self._reads(task)}}
        now = self.fingerprint(task, self.upstream(task))
        record = self.record(task)
        tables = not all(product.is_file for product in task.products.values())
        if tables or commit.in_place(task) or (record and same(record.fingerprint, now)):
            self.forget(task)
        self._begun[task.name] = Begun(now, run, witness)
        return now

    def _need_upstream(self, task: Task) -> None:
        gone = [key for key, digest in self.upstream(task).items() if not digest]
        if gone:
            names = ", ".join(gone)
            raise NotFoundError(
                f"{task.name} needs {names}, and nothing is there. Build that first: "
                f"byoa pipeline build --until {gone[0].partition(':')[0]}"
            )

    def _code(self, task: Task) -> dict[Path, Stamp | None]:
        """The files of its code, read anew where they were edited since the build began."""
        files = self.sources.files(task)
        if any(stamped(path) != stamp for path, stamp in files.items()):
            self.sources = Sources(self.pipeline)
            files = self.sources.files(task)
        for path in files:
            drop_stale_bytecode(path)
        return files

    def _reads(self, task: Task) -> Iterator[Path]:
        """What else a run reads: its resources, its upstream's products."""
        yield from (self.root / path for path in task.resources.values())
        for name in task.needs:
            for product in self.pipeline.tasks[name].products.values():
                if product.is_file:
                    yield self.root / product.path

    def commit(
        self, task: Task, staged: Path | None = None, facts: Mapping[str, Any] = {}
    ) -> Record:
        """Puts what the task made into place, then writes its record; `facts` fill the record."""
        begun = self._begun.pop(task.name, None) or self._from_now(task)
        apart = None if staged == self.root or commit.in_place(task) else staged
        commit.unmade(task, self._files(task, apart))
        self.forget(task)
        if apart is not None:
            commit.publish(task, self.root, apart, self._ledger(task))
        return self._write(task, self._as_read(begun), {"run": begun.run, **facts})

    def _from_now(self, task: Task) -> Begun:
        return Begun(self.fingerprint(task, self.upstream(task)), "", {})

    def _files(self, task: Task, staged: Path | None) -> dict[str, Path]:
        return {
            key: commit.staged_path(product, staged) if staged else self.root / product.path
            for key, product in task.products.items()
            if product.is_file
        }

    def _ledger(self, task: Task) -> Ledger:
        return Ledger(self.folder / "folders" / f"{records.file_name(task.name)}.json")

    def _as_read(self, begun: Begun) -> Fingerprint:
        """The fingerprint, spoiled when anything that the run may have read changed meanwhile."""
        changed = [path for path, stamp in begun.witness.items() if stamped(path) != stamp]
        if not changed:
            return begun.fingerprint
        said = {f"{self._shown(path)}{MEANWHILE}": "changed" for path in changed}
        return replace(begun.fingerprint, source={**begun.fingerprint.source, **said})

    def _shown(self, path: Path) -> str:
        inside = path.is_relative_to(self.root)
        return path.relative_to(self.root).as_posix() if inside else str(path)

    def _write(self, task: Task, fingerprint: Fingerprint, facts: Mapping[str, Any]) -> Record:
        known = facts.get("digests") or {}
        made = {
            key: self._made(task, key, facts.get("run", ""), known.get(key, ""))
            for key in task.products
        }
        words = {key: value for key, value in facts.items() if key != "digests"}
        record = Record(task=task.name, fingerprint=fingerprint, products=made, **words)
        self._home()
        files.replace(
            self.file(task.name), records.written(record).encode("utf-8", "surrogatepass")
        )
        self._read[task.name] = record
        return record

    def _made(self, task: Task, key: str, run: str, known: str) -> Made:
        """The product as it lies at its place; a digest that the task's process knows is taken."""
        product = task.products[key]
        if not product.is_file:
            return Made(place(product), f"run-{run}-{task.name}")
        path = self.root / product.path
        size = path.stat().st_size
        if size > BIG:
            wait_for_tick(path)
        if known:
            stamp = stamped(path) or ()
            return Made(product.path, known, stamp[0], stamp if settled_now(stamp) else ())
        digest, stamp = self.hashes.look(path)
        return Made(product.path, digest, stamp[0] if stamp else size, stamp)

    def forget(self, task: Task) -> None:
        """Removes the task's record: it will be made again."""
        self.file(task.name).unlink(missing_ok=True)
        self._read[task.name] = None

    def acceptable(self, task: Task) -> None:
        """Raises where the task cannot be taken as done: something that it needs is missing."""
        self._need_upstream(task)
        missing = [path for path in self._files(task, None).values() if not path.exists()]
        if missing:
            names = ", ".join(str(path) for path in missing)
            raise NotFoundError(
                f"{task.name} cannot be taken as done: {names} is not there. "
                f"Build it: byoa pipeline build --until {task.name}"
            )

    def accept(self, task: Task) -> Record:
        """Takes what is there for what the task would make now (mark-done)."""
        self._home()
        self.acceptable(task)
        kept = self.record(task)
        facts = {name: getattr(kept, name) for name in KEPT} if kept else {}
        now = self.fingerprint(task, self.upstream(task))
        return self._write(task, now, {**facts, "accepted": True})

    def adopt(self, record: Record, staged: Path | None = None) -> Record:
        """Takes over another machine's record; its verified products are staged or in place."""
        task = self.pipeline.tasks.get(record.task)
        if task is None:
            raise ByoaError(f"There is no task {record.task!r} in {self.pipeline.name}.")
        if staged is not None:
            self.forget(task)
            commit.publish(task, self.root, staged, self._ledger(task))
        products = {
            key: self._vouched(made) if task.products[key].is_file else made
            for key, made in record.products.items()
            if key in task.products
        }
        self._home()
        here = replace(record, products=products)
        files.replace(self.file(task.name), records.written(here).encode("utf-8", "surrogatepass"))
        self._read[task.name] = here
        return here

    def _vouched(self, made: Made) -> Made:
        """With the stamp of the file here, if it is what the record says."""
        digest, stamp = self.hashes.look(self.root / made.path)
        return replace(made, stat=stamp if digest == made.digest else ())

    def sweep(self) -> None:
        """Removes what a killed build left aside; only whoever holds the lock may."""
        for task in self.pipeline.tasks.values():
            if any(one.is_file and Path(one.path).is_absolute() for one in task.products.values()):
                commit.discard(task, self.work / records.file_name(task.name))
        shutil.rmtree(self.work, ignore_errors=True)
        for folder in (self.folder, self.folder / "records", self.folder / "folders"):
            for path in folder.glob(f"{files.PARTIAL}*"):
                path.unlink(missing_ok=True)

    def save(self) -> None:
        """Keeps what was learnt of files' contents for the next time."""
        if self.folder.is_dir():
            self.hashes.save()
            self.sources.save()

    def _home(self) -> None:
        """Makes the folders; git is told to leave them alone."""
        if (self.folder / "records").is_dir():
            return
        (self.folder / "records").mkdir(parents=True, exist_ok=True)
        ignore = self.root / ".byoa" / ".gitignore"
        if ignore.parent.is_dir() and not ignore.exists():
            files.replace(ignore, b"*\n")


#: Of a record, what stays when its products are accepted for other code.
KEPT = ("run", "started", "seconds", "cpu_seconds", "peak_mb", "attempts", "log", "metrics")


def folder_of(pipeline: Pipeline) -> Path:
    """Where everything of a pipeline is kept."""
    return Path(pipeline.root) / ".byoa" / "pipeline" / records.file_name(pipeline.name)


def settled_now(stamp: Stamp) -> bool:
    return hashes.settled(stamp, time.time_ns())


def wait_for_tick(path: Path) -> None:
    """A moment, so that the clock of files is past this one's time and its stamp vouches for it."""
    if time.time_ns() - max(files.stamp(path.stat())[1:3]) <= TICK_NS:
        time.sleep(1.5 * TICK_NS / 1e9)
