"""Unpacks strangers' archives: nothing lands outside of the folder, nothing grows past a limit.

Of the standard library alone. Members are written by this file and not by `extract`, so that
every Python has the same rules, those of tarfile's filter "data" and a few more.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from byoa.plan.errors import ByoaError
from byoa.plan.zips import SOUND

#: Past the first GiB, an archive that grows more than this is taken for a bomb.
MOST_RATIO = 200
FLOOR_BYTES = 1 << 30
MOST_MEMBERS = 1_000_000
BLOCK = 1 << 20


class BadArchiveError(ByoaError):
    """An archive that would do harm, or is none."""


@dataclass(frozen=True)
class Member:
    """One thing in an archive. A hard link is a file: its content is that of its target."""

    name: str
    kind: str  #: file, folder, link (its content is where it leads) or other
    program: bool
    open: Callable[[], IO[bytes] | None]


def unpack(path: Path, folder: Path, most_bytes: int | None = None) -> list[Path]:
    """Unpacks a .tar, .tar.gz or .zip into a folder; the files and links it made there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        grown = max(FLOOR_BYTES, path.stat().st_size * MOST_RATIO)
        limit = min(grown if most_bytes is None else most_bytes, shutil.disk_usage(folder).free)
        with path.open("rb") as source:
            members = zip_members if source.read(2) == b"PK" else tar_members
        return Unpacking(folder.resolve(), limit).fill(members(path))
    except BadArchiveError as error:
        raise BadArchiveError(f"{path}: {error}. Nothing of it was kept.") from None
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise BadArchiveError(f"{path} is no whole archive: {error}. Get it again.") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise BadArchiveError(f"{path} cannot be unpacked into {folder}: {error}.") from error


@dataclass
class Unpacking:
    """The folder that is being filled, and how many bytes may still be written to it."""

    root: Path
    left: int
    written: dict[Path, None] = field(default_factory=dict)
    links: dict[Path, str] = field(default_factory=dict)

    def fill(self, members: Iterator[Member]) -> list[Path]:
        """Files first and links last, so that no file is ever written through a link."""
        try:
            for count, member in enumerate(members):
                if count == MOST_MEMBERS:
                    raise BadArchiveError(f"it holds more than {MOST_MEMBERS:,} members")
                self.put(member)
            self.make_links()
        except BaseException:
            for path in self.written:
                with suppress(OSError):
                    path.unlink()
            raise
        return sorted(self.written)

    def put(self, member: Member) -> None:
        pieces = [piece for piece in member.name.split("/") if piece not in {"", "."}]
        if member.name.startswith("/") or ".." in pieces or "\0" in member.name:
            raise BadArchiveError(f"its member {member.name!r} would land outside of the folder")
        if member.kind == "other":
            raise BadArchiveError(f"its member {member.name!r} is a device or a pipe")
        path = self.root.joinpath(*pieces)
        if member.kind == "folder" or not pieces:
            self.make_room(path / "in it")
            return
        source = member.open()
        if source is None:
            raise BadArchiveError(
                f"its member {member.name!r} links to something that it does not hold"
            )
        with source:
            if member.kind == "link":
                self.links[path] = os.fsdecode(source.read(4096))
            else:
                self.write(path, source, 0o777 if member.program else 0o666)

    def make_room(self, path: Path) -> None:
        """The folder for a file. It may hold links from before: none that leads out is used."""
        if not path.parent.resolve().is_relative_to(self.root):
            raise BadArchiveError(
                f"{path.name!r} would land outside of the folder, through a link that is there"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.is_file():
            path.unlink()

    def write(self, path: Path, source: IO[bytes], mode: int) -> None:
        self.make_room(path)
        self.links.pop(path, None)  # a name that comes twice: the last one holds
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        self.written[path] = None
        with os.fdopen(handle, "wb") as target:
            while block := source.read(BLOCK):
                self.left -= len(block)
                if self.left < 0:
                    raise BadArchiveError("it grows past what its size allows, or past the disk")
                target.write(block)

    def make_links(self) -> None:
        """All links, then a look at where each leads: one may change what another means."""
        for path, target in self.links.items():
            self.make_room(path)
            path.symlink_to(target)
            self.written[path] = None
        for path, target in self.links.items():
            try:
                real = Path(os.path.realpath(path, strict=True))
            except OSError:  # a loop, or a link to nothing: there is nothing in it
                path.unlink()
                del self.written[path]
                continue
            if target.startswith("/") or not real.is_relative_to(self.root):
                raise BadArchiveError(f"its link {path.name!r} leads out of the folder: {target}")


def tar_members(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*") as tar:
        for info in tar:
            if info.issym():
                yield Member(info.name, "link", False, partial(BytesIO, os.fsencode(info.linkname)))
                continue
            plain = info.isreg() or info.islnk()
            kind = "folder" if info.isdir() else "file" if plain else "other"
            yield Member(info.name, kind, bool(info.mode & 0o100), partial(content, tar, info))


def content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes] | None:
    try:
        return tar.extractfile(info)
    except (KeyError, RecursionError):  # a hard link to nothing, or to itself
        return None


def zip_members(path: Path) -> Iterator[Member]:
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.compress_type not in SOUND:
                raise BadArchiveError(f"its member {info.filename!r} is not packed by deflate")
            mode = info.external_attr >> 16
            kind = "folder" if info.is_dir() else kinds.get(stat.S_IFMT(mode), "other")
            yield Member(info.filename, kind, bool(mode & 0o100), partial(archive.open, info))
