"""What a driver needs of a place that keeps objects: S3, or a folder that stands in for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """One object: its name below the address that was asked for, bytes, and content tag."""

    name: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did: file names by what happened to them, and the bytes of what was uploaded."""

    uploaded: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    sent_bytes: int = 0
    fingerprint: str = ""
    extra: tuple[str, ...] = ()  #: there, not in the folder, and not deleted: not asked for
    left_out: tuple[str, ...] = ()  #: sentences: pipes, sockets, loops of links


#: Called with the bytes done and all bytes, the files done and all files, from any thread.
Progress = Callable[[int, int, int, int], None]


class Storage(Protocol):
    """Objects by address: s3://bucket/key in S3, file:///folder/key in a folder.

    An address that ends in "/" means everything below it; `proj/` never touches `proj2/`.
    """

    base: str  #: the address under which this project's things go, without a "/" at its end

    def sync(
        self, folder: Path, uri: str, *, delete: bool = False, progress: Progress | None = None
    ) -> Synced:
        """Makes `uri` hold what `folder` (or one file) holds, by content; deletes only if told."""

    def fingerprint(self, uri: str) -> str:
        """Names and contents below `uri` as one hex hash, without reading the contents."""

    def objects(self, uri: str) -> Iterator[Stored]:
        """What lies at or below `uri`, by name."""

    def read(self, uri: str) -> bytes:
        """One object. NotFoundError when it is not there."""

    def write(self, uri: str, data: bytes, *, only_new: bool = False) -> bool:
        """Writes one object at once; with only_new False comes back when it was there already."""

    def upload(self, path: Path, uri: str, progress: Progress | None = None) -> None:
        """One file, of any size, to exactly `uri`."""

    def download(self, uri: str, folder: Path, progress: Progress | None = None) -> list[Path]:
        """What lies at or below `uri`, into `folder`; the files written, never outside of it."""

    def delete(self, uri: str) -> int:
        """Deletes what lies at (or, with a "/", below) `uri`; how many objects."""
