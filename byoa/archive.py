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
from pathlib import Path
from typing import IO

from byoa.plan.errors import ByoaError

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
    kind: str  #: file, folder, link or other
    executable: bool
    open: Callable[[], IO[bytes] | None]


@dataclass
class Unpacking:
    """The folder that is being filled, and what may still be written to it."""

    root: Path
    left: int
    written: dict[Path, None] = field(default_factory=dict)
    links: dict[Path, str] = field(default_factory=dict)


def unpack(path: Path, folder: Path, most_bytes: int | None = None) -> list[Path]:
    """Unpacks a .tar, .tar.gz or .zip into a folder; the files and links it made there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        grown = max(FLOOR_BYTES, path.stat().st_size * MOST_RATIO)
        limit = min(grown if most_bytes is None else most_bytes, shutil.disk_usage(folder).free)
        state = Unpacking(folder.resolve(), limit)
        with path.open("rb") as source:
            start = source.read(4)
        members = zip_members if start[:2] == b"PK" else tar_members
        fill(state, members(path))
    except BadArchiveError as error:
        raise BadArchiveError(f"{path}: {error}. Nothing of it was kept.") from None
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise BadArchiveError(f"{path} is no whole archive: {error}. Get it again.") from error
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise BadArchiveError(f"{path} cannot be unpacked into {folder}: {error}.") from error
    return sorted(state.written)


def fill(state: Unpacking, members: Iterator[Member]) -> None:
    """Files first and links last, so that no file is ever written through a link."""
    try:
        for count, member in enumerate(members):
            if count == MOST_MEMBERS:
                raise BadArchiveError(f"it holds more than {MOST_MEMBERS:,} members")
            put(state, member)
        make_links(state)
    except BaseException:
        for path in state.written:
            with suppress(OSError):
                path.unlink()
        raise


def put(state: Unpacking, member: Member) -> None:
    pieces = [piece for piece in member.name.split("/") if piece not in {"", "."}]
    if member.name.startswith("/") or ".." in pieces or "\0" in member.name:
        raise BadArchiveError(f"its member {member.name!r} would land outside of the folder")
    if member.kind == "other":
        raise BadArchiveError(f"its member {member.name!r} is a device or a pipe")
    if not pieces:
        return
    path = state.root.joinpath(*pieces)
    inside(state, path.parent, member.name)
    if member.kind == "folder":
        path.mkdir(parents=True, exist_ok=True)
        return
    source = member.open()
    if source is None:
        raise BadArchiveError(
            f"its member {member.name!r} links to something that it does not hold"
        )
    with source:
        if member.kind == "link":
            state.links[path] = os.fsdecode(source.read(4096))
        else:
            state.links.pop(path, None)
            write(state, path, source, member)


def inside(state: Unpacking, path: Path, name: str) -> None:
    """The folder may hold links from before: nothing is written through one that leads out."""
    if not path.resolve().is_relative_to(state.root):
        raise BadArchiveError(
            f"its member {name!r} would land outside of the folder, through a link"
        )


def write(state: Unpacking, path: Path, source: IO[bytes], member: Member) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.is_file():
        path.unlink()
    mode = 0o777 if member.executable else 0o666  # the umask takes its share
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    state.written[path] = None
    with os.fdopen(handle, "wb") as target:
        while block := source.read(BLOCK):
            state.left -= len(block)
            if state.left < 0:
                raise BadArchiveError("it grows past what its size allows, or past the disk")
            target.write(block)


def make_links(state: Unpacking) -> None:
    """All links, then a look at where each leads: one may change what another means."""
    for path, target in state.links.items():
        inside(state, path.parent, path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.is_file():
            path.unlink()
        path.symlink_to(target)
        state.written[path] = None
    for path, target in state.links.items():
        if target.startswith("/") or not leads_inside(path, state.root):
            raise BadArchiveError(f"its link {path.name!r} leads out of the folder, to {target!r}")


def leads_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def tar_members(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*") as archive:
        for info in archive:
            yield Member(info.name, tar_kind(info), bool(info.mode & 0o100), opener(archive, info))


def tar_kind(info: tarfile.TarInfo) -> str:
    if info.isdir():
        return "folder"
    if info.issym():
        return "link"
    return "file" if info.isreg() or info.islnk() else "other"


def opener(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes] | None]:
    def read() -> IO[bytes] | None:
        if info.issym():
            from io import BytesIO

            return BytesIO(os.fsencode(info.linkname))
        try:
            return archive.extractfile(info)
        except (KeyError, RecursionError):  # a hard link to nothing, or to itself
            return None

    return read


def zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            special = stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}
            kind = "link" if stat.S_ISLNK(mode) else "folder" if info.is_dir() else "file"
            yield Member(
                info.filename,
                "other" if special else kind,
                bool(mode & 0o100),
                lambda info=info: archive.open(info),  # type: ignore[misc]
            )
