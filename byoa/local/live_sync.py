"""Keeps an address like a folder while a job writes there: checkpoints, TensorBoard, outputs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from byoa.local.channels import below
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage

State = dict[str, tuple[int, int]]


class LiveSync:
    """Uploads what is new in the folders of all hosts, and deletes what a host had and deleted."""

    def __init__(
        self, storage: Storage, folders: Sequence[Path], uri: str, say: Callable[[str], None]
    ) -> None:
        self.storage, self.uri, self.say = storage, uri.rstrip("/") + "/", say
        self.seen: dict[Path, State] = {folder: look(folder) for folder in folders}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-sync", daemon=True)

    def start(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            self._try_once()

    def finish(self) -> None:
        """The last sync, when nobody writes any more."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        self.once()

    def _try_once(self) -> None:
        """A file that vanishes while it is read was a draft: the next round sees more."""
        try:
            self.once()
        except (ByoaError, OSError) as error:
            self.say(f"sync of {self.uri}: {error}; trying again")

    def once(self) -> None:
        for folder, before in self.seen.items():
            after = look(folder)
            if after == before:
                continue
            self.storage.sync(folder, self.uri)
            for name in before.keys() - after.keys():
                self.storage.delete(below(self.uri, name))
            self.seen[folder] = after


def look(folder: Path) -> State:
    """Names of files, each with its size and time of change."""
    found = {}
    for parent, _, files in os.walk(folder):
        for name in files:
            path = Path(parent) / name
            try:
                facts = path.stat()
            except OSError:
                continue
            found[path.relative_to(folder).as_posix()] = (facts.st_size, facts.st_mtime_ns)
    return found
