"""Products that have a File client: sent there when they are made, fetched where they are known.

    PARENT/out/data.csv                                a product, as Ploomber lays it out
    PARENT/.byoa/pipeline/NAME/records/TASK.json       its record, sent last

Whoever fetches compares every byte with the record: a product that was sent and whose record was
not yet is as good as none.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from byoa import files
from byoa.pipeline import commit
from byoa.pipeline.relations import clients
from byoa.pipeline.state import State
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline import records
from byoa.plan.pipeline.decide import GIVEN, same
from byoa.plan.pipeline.model import Record, Task

#: Products are sent while other tasks run, of so many tasks at once.
SENDERS = 4


class FileClients:
    """The stores beside a working folder, and what of it they have."""

    def __init__(self, state: State) -> None:
        self.state, self.pipeline = state, state.pipeline
        self.sent: dict[str, Future[None]] = {}

    def has(self, task: Task) -> bool:
        """Whether anything of the task is kept by a client."""
        return task.kind not in GIVEN and any(
            product.is_file and product.client for product in task.products.values()
        )

    def client(self, task: Task, key: str) -> Any:
        """A product's client, made once."""
        dotted = task.products[key].client
        try:
            return dotted and clients(self.pipeline.root, self.pipeline.import_from).of(dotted)
        except ByoaError:
            raise
        except Exception as error:  # of the user's own code
            what = f"{type(error).__name__}: {error}"
            raise ByoaError(
                f"The client {dotted and dotted.path} cannot be made: {what}"
            ) from error

    def _kept(self, task: Task) -> dict[str, Any]:
        """The clients of those products that have one, by key."""
        found = {key: self.client(task, key) for key in task.products}
        return {
            key: client
            for key, client in found.items()
            if client is not None and task.products[key].is_file
        }

    # Fetching

    def fetch(self, task: Task) -> bool:
        """Brings the task's products, if what is kept is what it would make now."""
        if not self.has(task) or not all(one.is_file for one in task.products.values()):
            return False
        kept = self._kept(task)
        if kept.keys() != task.products.keys():
            return False
        record = self.record(task, next(iter(kept.values())))
        now = self.state.fingerprint(task, self.state.upstream(task))
        if (
            record is None
            or record.products.keys() != kept.keys()
            or not same(record.fingerprint, now)
        ):
            return False
        return self._brought(task, record, kept)

    def record(self, task: Task, client: Any) -> Record | None:
        """The record that the client keeps, if there is one that can be read."""
        with tempfile.TemporaryDirectory(prefix="byoa-record-") as folder:
            path = Path(folder, "record")
            try:
                client.download(str(self.state.file(task.name)), str(path))
                return records.read(path.read_bytes(), task.name)
            except (NotFoundError, FileNotFoundError, records.UnreadableError):
                return None
            except Exception as error:
                if getattr(client, "_remote_exists", None) is not None:
                    raise ByoaError(
                        f"{client!r} cannot be asked for {task.name}: {error}"
                    ) from error
                return None  # a client of the user's own, which cannot say what it has not got

    def _brought(self, task: Task, record: Record, kept: Mapping[str, Any]) -> bool:
        staged, paths = self.state.stage(task)
        try:
            for key, path in paths.items():
                try:
                    kept[key].download(str(self.state.root / task.products[key].path), str(path))
                except (NotFoundError, FileNotFoundError):
                    return False
                if self.state.hashes.digest(path) != record.products[key].digest:
                    return False  # another machine is sending a newer one at this moment
            self.state.adopt(record, None if commit.in_place(task) else staged)
        finally:
            commit.discard(task, staged)
        self._note(task)
        return True

    # Sending

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(SENDERS, thread_name_prefix="send")

    def send(self, task: Task) -> None:
        """Begins to send a task's products and its record, in another thread."""
        if self.has(task):
            kept = self._kept(task)  # the user's code is run here, not beside itself
            self.sent[task.name] = self._pool.submit(self._send, task, kept)

    def _send(self, task: Task, kept: Mapping[str, Any]) -> None:
        record, mark = self.state.file(task.name), self._mark(task)
        for key, client in kept.items():
            client.upload(str(self.state.root / task.products[key].path))
        for client in {id(client): client for client in kept.values()}.values():
            client.upload(str(record))
        self._note(task, mark)

    def send_rest(self, tasks: Iterable[Task]) -> None:
        """Sends what is up to date here and was not sent: a build ended before it could be."""
        for task in tasks:
            if self.has(task) and self._mark(task) not in {"", self._noted(task)}:
                self.send(task)

    def close(self) -> dict[str, str]:
        """Waits for all that is being sent; why it failed, by task."""
        failed = {}
        for name, future in self.sent.items():
            error = future.exception()
            if error is not None:
                what = str(error) or type(error).__name__
                failed[name] = f"it was made here, but not sent: {what}. Build again to send it."
        if self.sent:
            self._pool.shutdown()
        self.sent = {}
        return failed

    # What was sent

    def _mark(self, task: Task) -> str:
        """What is said of a task's record as it is now; "" without one."""
        try:
            return hashlib.sha256(self.state.file(task.name).read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""

    def _note_file(self, task: Task) -> Path:
        return self.state.folder / "sent" / records.file_name(task.name)

    def _noted(self, task: Task) -> str:
        try:
            return self._note_file(task).read_text()
        except FileNotFoundError:
            return ""

    def _note(self, task: Task, mark: str = "") -> None:
        files.replace(self._note_file(task), (mark or self._mark(task)).encode())
