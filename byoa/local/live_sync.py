"""Keeps an address like a folder while a job writes there: checkpoints, TensorBoard, outputs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from byoa.local.channels import below
from byoa.local.job import JobError
from byoa.local.places import is_real
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage

State = dict[str, tuple[int, int]]
AT_ONCE = 8


class LiveSync:
    """Uploads what is new in the folders of all hosts, and deletes what a host had and deleted."""

    def __init__(self, storage: Storage, folders: Sequence[Path], uri: str) -> None:
        self.storage, self.uri = storage, uri
        self.seen: dict[Path, State] = {folder: look(folder) for folder in folders}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-sync", daemon=True)

    def start(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            self._try_once()

    def _try_once(self) -> None:
        """A file that vanishes while it is read was a draft: the next round sees more."""
        try:
            self.once()
        except (ByoaError, OSError) as error:
            print(f"sync of {self.uri}: {error}; trying again", flush=True)

    def finish(self) -> None:
        """The last sync, when nobody writes any more."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.once()
        except (ByoaError, OSError) as error:
            raise JobError(f"ClientError: Artifact upload failed: {error}") from error

    def once(self) -> None:
        for folder, before in self.seen.items():
            after = look(folder)
            changed = [name for name, facts in after.items() if before.get(name) != facts]
            send(self.storage, folder, changed, self.uri)
            for name in before.keys() - after.keys():
                self.storage.delete(below(self.uri, name))
            self.seen[folder] = after


def send(storage: Storage, folder: Path, names: Iterable[str], uri: str) -> None:
    """Uploads files of a folder under their own names."""

    def upload(name: str) -> None:
        storage.upload(folder / name, below(uri, name))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(upload, name) for name in names]:
            done.result()


def look(folder: Path) -> State:
    """Names of files, each with its size and time of change. SageMaker sends no links."""
    found: State = {}
    if not is_real(folder):
        return found
    for parent, _, files in os.walk(folder):
        for name in files:
            path = Path(parent) / name
            try:
                facts = path.lstat()
            except OSError:
                continue
            if path.is_file() and not path.is_symlink():
                relative = path.relative_to(folder).as_posix()
                found[relative] = (facts.st_size, facts.st_mtime_ns)
    return found
