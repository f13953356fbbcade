"""Products that have a File client: sent there when they are made, fetched where they are known.

    PARENT/out/data.csv                                a product, as Ploomber lays it out
    PARENT/.byoa/pipeline/NAME/records/TASK.json       its record, sent last

Whoever fetches compares every byte with the record: a product that was sent and whose record was
not yet is as good as none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa import files
from byoa.pipeline import commit
from byoa.pipeline.state import State
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline import records
from byoa.plan.pipeline.decide import GIVEN, same
from byoa.plan.pipeline.model import Dotted, Record, Task

#: How often it is looked whether the user wants to wait no longer.
TICK = 0.2


@dataclass
class Sending:
    """A task's products on their way; the record follows when all have arrived."""

    task: Task
    mark: str  #: of the record that is sent
    parts: list[Future[Any]]
    record_sent: bool = False


class FileClients:
    """The stores beside a working folder, and what of it they have."""

    def __init__(self, state: State) -> None:
        self.state, self.pipeline, self.aside = state, state.pipeline, state.aside
        self.sending: dict[str, Sending] = {}
        self._asked: dict[str, Future[Any]] = {}  #: for records, before anybody wants them

    def of(self, task: Task) -> dict[str, Dotted]:
        """The clients of a task's files, by product key; a file that was given has none."""
        if task.kind in GIVEN:
            return {}
        return {
            key: product.client
            for key, product in task.products.items()
            if product.is_file and product.client is not None
        }

    # Fetching

    def look(self, tasks: Iterable[Task]) -> None:
        """Asks for the records of tasks that are going to run, all at once."""
        for task in tasks:
            if kept := self.of(task):
                record, to = self.state.file(task.name), self._arriving(task)
                self._asked[task.name] = self._ask(next(iter(kept.values())), record, to)

    def _arriving(self, task: Task) -> Path:
        """Where a client's record of a task comes in: never where our own is."""
        return self.state.folder / "sent" / f"{records.file_name(task.name)}.record"

    def fetch(self, task: Task) -> bool:
        """Brings the task's products, if what is kept is what it would make now."""
        kept = self.of(task)
        if not kept or kept.keys() != task.products.keys():
            return False
        record = self.record(task, next(iter(kept.values())))
        if record is None or record.products.keys() != kept.keys():
            return False
        now = self.state.fingerprint(task, self.state.upstream(task))
        return same(record.fingerprint, now) and self._brought(task, record, kept)

    def record(self, task: Task, client: Dotted) -> Record | None:
        """The record that the client keeps, if there is one that can be read."""
        path = self._arriving(task)
        asked = self._asked.pop(task.name, None) or self._ask(
            client, self.state.file(task.name), path
        )
        try:
            return records.read(path.read_bytes(), task.name) if self._came(client, asked) else None
        except (records.UnreadableError, OSError):
            return None
        finally:
            path.unlink(missing_ok=True)

    def _ask(self, client: Dotted, local: Path, destination: Path) -> Future[Any]:
        destination.parent.mkdir(parents=True, exist_ok=True)
        return self.aside.ask(client, "download", str(local), str(destination))

    def _came(self, client: Dotted, asked: Future[Any]) -> bool:
        """False for what is not there; a client of the user's own may say that in any way."""
        try:
            asked.result()
        except NotFoundError:
            return False
        except ByoaError:
            if self.aside.ask(client, "tells").result():
                raise
            return False
        return True

    def _brought(self, task: Task, record: Record, kept: Mapping[str, Dotted]) -> bool:
        staged, paths = self.state.stage(task)
        try:
            asked = {
                key: self._ask(kept[key], self._place(task, key), path)
                for key, path in paths.items()
            }
            for key, path in paths.items():
                if not self._came(kept[key], asked[key]):
                    return False
                if self.state.hashes.digest(path) != record.products[key].digest:
                    return False  # another machine is sending a newer one at this moment
            self.state.adopt(record, None if commit.in_place(task) else staged)
        finally:
            commit.discard(task, staged)
        self._note(task, self._mark(task))
        return True

    def _place(self, task: Task, key: str) -> Path:
        return self.state.root / task.products[key].path

    # Sending

    def send(self, task: Task) -> None:
        """Begins to send a task's products, while other tasks run."""
        if kept := self.of(task):
            parts = [
                self.aside.ask(client, "upload", str(self._place(task, key)))
                for key, client in kept.items()
            ]
            self.sending[task.name] = Sending(task, self._mark(task), parts)

    def send_rest(self, tasks: Iterable[Task]) -> None:
        """Sends what is up to date here and was not sent: a build ended before it could be."""
        for task in tasks:
            if self.of(task) and self._mark(task) not in {"", self._noted(task)}:
                self.send(task)

    def go_on(self) -> None:
        """Sends the records of those tasks whose products have all arrived."""
        for one in self.sending.values():
            arrived = all(part.done() and not part.exception() for part in one.parts)
            if arrived and not one.record_sent:
                one.record_sent = True
                record = str(self.state.file(one.task.name))
                clients = {repr(client): client for client in self.of(one.task).values()}
                one.parts += [self.aside.ask(each, "upload", record) for each in clients.values()]
            elif arrived:
                self._note(one.task, one.mark)

    def close(self, stop: Callable[[], bool] = lambda: False) -> dict[str, str]:
        """Waits for all that is sent, unless told to stop; why it failed, by task."""
        while not stop():
            self.go_on()
            open_ = [part for one in self.sending.values() for part in one.parts if not part.done()]
            if not open_:
                break
            wait(open_, TICK)
        failed = {
            name: f"it was made here, but not sent: {error}. Build again to send it."
            for name, one in self.sending.items()
            for error in [next((p.exception() for p in one.parts if p.done() and p.exception()), 0)]
            if error
        }
        self.sending, self._asked = {}, {}
        for left in (self.state.folder / "sent").glob("*.record"):  # of tasks that did not begin
            left.unlink(missing_ok=True)
        return failed

    # What was sent

    def _mark(self, task: Task) -> str:
        """What is said of a task's record as it is now; "" without one.

        Its stamps do not count: they are renewed on this machine without anything being made.
        """
        try:
            record = records.read(self.state.file(task.name).read_bytes(), task.name)
        except (FileNotFoundError, records.UnreadableError):
            return ""
        return hashlib.sha256(records.written(record, stats=False).encode()).hexdigest()

    def _note_file(self, task: Task) -> Path:
        return self.state.folder / "sent" / records.file_name(task.name)

    def _noted(self, task: Task) -> str:
        try:
            return self._note_file(task).read_text()
        except FileNotFoundError:
            return ""

    def _note(self, task: Task, mark: str) -> None:
        files.replace(self._note_file(task), mark.encode())
