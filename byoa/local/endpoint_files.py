"""What one endpoint keeps on disk: what is wanted of it, and what is so.

The API writes `wanted.json`, the endpoint's supervisor writes `record.json`; neither writes the
other's file, and an endpoint's state is what the two say together.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.local.alive import is_alive
from byoa.local.files import now, read_json, write_json

GONE = (
    "Its supervisor process is gone, so nothing answers: was this machine restarted? Delete the"
    " endpoint and create it again."
)


@dataclass(frozen=True)
class EndpointFiles:
    """The folder of one endpoint."""

    folder: Path

    @classmethod
    def of(cls, root: Path, name: str) -> EndpointFiles:
        return cls(Path(root) / "endpoints" / name)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def wanted(self) -> dict[str, Any]:
        """What the API asked for last; {} when there is no such endpoint."""
        return dict(read_json(self.folder / "wanted.json") or {})

    def ask(self, **changes: Any) -> None:
        """Tells the supervisor what is wanted from now on, as a new generation.

        FileNotFoundError when the endpoint went away meanwhile.
        """
        with self._alone():
            wanted = self.wanted
            generation = wanted.get("Generation", 0) + 1
            write_json(self.folder / "wanted.json", {**wanted, **changes, "Generation": generation})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of two who ask at once, neither undoes what the other wants: a deletion, say."""
        path = self.folder / "wanted.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not os.path.samestat(os.fstat(descriptor), path.stat()):
                raise FileNotFoundError(path)  # another endpoint has the name by now
            yield
        finally:
            os.close(descriptor)

    @property
    def record(self) -> dict[str, Any]:
        return dict(read_json(self.folder / "record.json") or {})

    def tell(self, **record: Any) -> None:
        """What is so now, by the supervisor."""
        write_json(self.folder / "record.json", {**record, "LastModifiedTime": now()})

    def described(self) -> dict[str, Any] | None:
        """Both together, with the status that it has now; None when there is no such endpoint."""
        alive = is_alive(self.folder)  # first: what it writes before it ends must count
        wanted, record = self.wanted, self.record
        if not wanted or not record:
            return None
        if wanted.get("Delete"):
            record["EndpointStatus"] = "Deleting"
        elif record["EndpointStatus"] != "Failed" and not alive:
            record.update(EndpointStatus="Failed", FailureReason=GONE)
        elif 0 < record["Generation"] < wanted["Generation"] and alive:
            record["EndpointStatus"] = "Updating"
        return {**wanted, **record}

    def remove(self) -> None:
        """Its name is free at once, whatever a container still writes into the folder."""
        grave = self.folder.with_name(f".{self.name}.{uuid.uuid4().hex}")
        try:
            with self._alone():
                self.folder.rename(grave)
        except FileNotFoundError:
            return  # somebody else has removed it
        shutil.rmtree(grave, ignore_errors=True)
