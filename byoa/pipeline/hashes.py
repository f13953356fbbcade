"""The content of files and folders as digests, each byte read once.

A digest is kept by size, both times and inode. What changed within the last moments before it was
read could change again unseen; it is not kept (git calls such an entry racily clean).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from byoa import files
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import tree

VERSION = 1
BLOCK = 1 << 20
#: The kernel's clock for files ticks at least this often where times have a fraction at all.
TICK_NS = 20_000_000
#: From this size on it is quicker to wait for the clock's next tick than to read a file again.
BIG = 16 << 20

Stamp = tuple[int, ...]


def settled(stamp: Stamp, looked: int) -> bool:
    """Whether what has this stamp, looked at then, cannot have changed since under the same one."""
    newest = max(stamp[1:3])
    coarse = not stamp[1] % 1_000_000 or not stamp[2] % 1_000_000
    return looked - newest > (files.SETTLED_NS if coarse else TICK_NS)


def stamped(path: str | Path) -> Stamp | None:
    """A file's or a folder's stamp; None where nothing is. A folder's is that of all below it."""
    try:
        status = os.stat(path)  # noqa: PTH116 - Path takes twice as long
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(status.st_mode):
        return files.stamp(status)
    return folder_stamp(below(Path(path)))


def folder_stamp(entries: dict[str, tuple[str, Stamp]]) -> Stamp:
    mark = hashlib.sha256(repr(sorted((name, one[1]) for name, one in entries.items())).encode())
    stamps = [one[1] for one in entries.values()]
    newest = [max((stamp[place] for stamp in stamps), default=1) for place in (1, 2)]
    total = sum(stamp[0] for stamp in stamps)
    return (total, *newest, int.from_bytes(mark.digest()[:6], "big"))


def below(folder: Path) -> dict[str, tuple[str, Stamp]]:
    """Every file of a folder, by its name below it: where it is, its stamp."""
    look = files.look(folder)
    return {name: (str(one.path), one.stamp) for name, one in look.files.items()}


def sha256(path: str | Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as source:
        while block := source.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def content(path: str | Path) -> str:
    """The digest of a file or a folder, read now."""
    place = Path(path)
    if not place.is_dir():
        return sha256(place)
    entries = below(place)
    return tree.digest({name: (sha256(at), stamp[0]) for name, (at, stamp) in entries.items()})


class Hashes:
    """Digests of what lies on this disk; `hashes.json` remembers those of settled files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[str, tuple[Stamp, str]] | None = None
        self._new: dict[str, tuple[Stamp, str]] = {}

    def digest(self, path: str | Path) -> str:
        """sha256 of a file's bytes, "tree-…" of a folder's files; "" where nothing is."""
        return self.look(path)[0]

    def look(self, path: str | Path) -> tuple[str, Stamp]:
        """The digest, and the stamp that vouches for it: () when it may yet change unseen."""
        try:
            status = os.stat(path)  # noqa: PTH116 - Path takes twice as long
        except (FileNotFoundError, NotADirectoryError):
            return "", ()
        if stat.S_ISDIR(status.st_mode):
            return self._folder(Path(path))
        if not stat.S_ISREG(status.st_mode):
            raise ByoaError(f"{path} is a pipe, a socket or a device. A product must be a file.")
        return self._file(str(path), files.stamp(status))

    def _file(self, path: str, stamp: Stamp) -> tuple[str, Stamp]:
        held = self._new.get(path) or self.kept.get(path)
        if held is not None and held[0] == stamp:
            return held[1], stamp
        for _ in range(3):
            looked = time.time_ns()
            digest = sha256(path)
            after = files.stamp(Path(path).stat())
            if after == stamp:
                break
            stamp = after
        else:
            return digest, ()  # somebody writes to it all the time
        if settled(stamp, looked):
            self._new[path] = (stamp, digest)
            return digest, stamp
        return digest, ()

    def _folder(self, folder: Path) -> tuple[str, Stamp]:
        entries = below(folder)
        found = {name: self._file(path, stamp) for name, (path, stamp) in entries.items()}
        digest = tree.digest({name: (found[name][0], entries[name][1][0]) for name in found})
        sure = all(stamp for _, stamp in found.values())
        return digest, folder_stamp(entries) if sure else ()

    @property
    def kept(self) -> dict[str, tuple[Stamp, str]]:
        if self._kept is None:
            self._kept = dict(loaded(self.path))
        return self._kept

    def save(self) -> None:
        """Writes what is new; without it the next look is slower, not wrong."""
        if not self._new:
            return
        both = {**self.kept, **self._new}
        rows = {path: [*stamp, digest] for path, (stamp, digest) in both.items()}
        with suppress(OSError, ByoaError):
            files.replace(self.path, json.dumps({"version": VERSION, "files": rows}).encode())
            self._kept, self._new = both, {}


def loaded(path: Path) -> Iterator[tuple[str, tuple[Stamp, str]]]:
    """What the file says; a cache that cannot be read is empty."""
    try:
        said = json.loads(path.read_bytes())
        rows = said["files"].items() if said["version"] == VERSION else ()
        found = [(str(name), (tuple(map(int, row[:-1])), str(row[-1]))) for name, row in rows]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return
    yield from found
