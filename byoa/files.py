"""The files of a folder and the ETags of their contents; of the standard library alone.

Hashes are kept under BYOA_HOME/cache by path, size, both times and inode, so that an unchanged
file is read once. Content rules: a file that changed within the last moments is never kept.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from byoa.plan import sync
from byoa.plan.errors import ByoaError, UsageError

#: What half-written files are called until they are renamed; no listing shows them.
PARTIAL = ".byoa-partial-"
#: File systems' clocks tick this coarsely: what is younger could change unseen.
SETTLED_NS = 2_000_000_000
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class LocalFile:
    """One file as it was when the folder was looked through."""

    path: str
    size: int
    stamp: tuple[int, int, int, int]  #: size, mtime_ns, ctime_ns, inode


@dataclass
class Folder:
    """The files of a folder by their names below it; sentences on what is left out."""

    root: Path
    files: dict[str, LocalFile] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    looked: int = field(default_factory=time.time_ns)

    @property
    def sizes(self) -> dict[str, int]:
        return {name: file.size for name, file in self.files.items()}


class ChangedError(ByoaError):
    """Files that are no longer what they were when their folder was looked through."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(
            f"{', '.join(paths)}: changed while being read, and not sent; everything else was. "
            "Stop what writes there, then run again."
        )


def one(path: Path) -> LocalFile:
    """A single file."""
    found = look(path).files if not path.is_dir() else {}
    if path.name not in found:
        raise UsageError(f"{path} is no file. Name one.")
    return found[path.name]


def look(root: Path, skip: Callable[[str], bool] = lambda name: False) -> Folder:
    """Looks through a folder (or at one file); what cannot be read ends it, all of it named.

    `skip` is asked for each name, a folder's with a "/" at its end, before it is looked at.
    """
    found = Folder(root)
    try:
        status = root.stat()
    except OSError as error:
        raise UsageError(
            f"{root}: {error.strerror}. Name a folder or a file that exists."
        ) from None
    if stat.S_ISREG(status.st_mode):
        add(found, root.name, str(root))
    else:
        walk(found, os.path.realpath(root), skip)
    if found.unusable:
        some = "; ".join(found.unusable[:50])
        more = f" and {len(found.unusable) - 50} more" if len(found.unusable) > 50 else ""
        raise UsageError(f"{root} cannot be taken as it is, nothing was done: {some}{more}.")
    return found


def walk(found: Folder, real: str, skip: Callable[[str], bool]) -> None:
    """Without recursion; `above` holds the folders on the way, by identity, to see loops."""
    waiting: list[tuple[str, str, frozenset[tuple[int, int]]]] = [("", real, frozenset())]
    while waiting:
        prefix, path, above = waiting.pop()
        try:
            status = Path(path).stat()
            entries = list(os.scandir(path))
        except OSError as error:
            found.unusable.append(f"{prefix or path} ({error.strerror})")
            continue
        here = (status.st_dev, status.st_ino)
        if here in above:
            found.left_out.append(f"{prefix.rstrip('/')}: a link to a folder that it lies in")
            continue
        for entry in entries:
            folder = entry.is_dir()
            name = prefix + entry.name + "/" * folder
            if skip(name):
                continue
            if entry.is_symlink() and (problem := bad_link(entry.path, real)):
                found.unusable.append(f"{name} ({problem})")
            elif folder:
                waiting.append((name, entry.path, above | {here}))
            else:
                add(found, name, entry.path)


def bad_link(path: str, real_root: str) -> str | None:
    target = os.path.realpath(path)
    if not Path(target).exists():
        return "a link to nothing"
    if os.path.commonpath([target, real_root]) != real_root:
        return f"a link out of the folder, to {target}: copy it in, or name that folder"
    return None


def add(found: Folder, name: str, path: str) -> None:
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return  # gone since the folder was listed: as if it had never been there
    if not stat.S_ISREG(status.st_mode):
        found.left_out.append(f"{name}: no file, but a pipe, a socket or a device")
    elif PARTIAL in name:
        pass
    elif not os.access(path, os.R_OK):
        found.unusable.append(f"{name} ({os.strerror(errno.EACCES)})")
    else:
        found.files[name] = LocalFile(path, status.st_size, stamp(status))


def stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def etag(path: str | Path, size: int, part: int = sync.PART) -> str:
    """The ETag that S3 gives the file when we upload it, read in blocks."""
    with open(path, "rb") as source:
        digests = [piece(source.read, length) for _, length in sync.parts(size, part)]
        return sync.joined_etag(digests) if digests else piece(source.read, None).hex()


def piece(read: Callable[[int], bytes], length: int | None) -> bytes:
    """The MD5 of the next bytes: as many as asked for, or all."""
    digest = hashlib.md5(usedforsecurity=False)
    while length is None or length > 0:
        block = read(BLOCK if length is None else min(BLOCK, length))
        if not block:
            break
        digest.update(block)
        length = length if length is None else length - len(block)
    return digest.digest()


def home() -> Path:
    """Where byoa keeps what it must remember on this machine."""
    return Path(os.environ.get("BYOA_HOME") or "~/.byoa").expanduser()


def etags(found: Folder, names: Iterable[str], part: int = sync.PART) -> dict[str, str]:
    """The ETags of some files of a folder, from the cache where the file did not change."""
    wanted = list(names)
    cache = cache_path(found.root, part)
    kept = load(cache)
    known = {n: kept[n][1] for n in wanted if n in kept and fresh(kept[n], found.files[n])}
    missing = [name for name in wanted if name not in known]
    if not missing:
        return known
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        work = partial(etag_of, found, part)
        new = {name: one for name, one in zip(missing, pool.map(work, missing)) if one}
    remember(found, new, part)
    return known | new


def etag_of(found: Folder, part: int, name: str) -> str:
    """The ETag of one file; "" when it has gone."""
    file = found.files[name]
    try:
        return etag(file.path, file.size, part)
    except FileNotFoundError:
        return ""


def remember(found: Folder, new: Mapping[str, str], part: int = sync.PART) -> None:
    """Keeps ETags of files of a folder, but for those that may yet change unseen."""
    limit = found.looked - SETTLED_NS
    settled = {n: e for n, e in new.items() if max(found.files[n].stamp[1:3]) < limit}
    if settled:
        cache = cache_path(found.root, part)
        here = {name: entry for name, entry in load(cache).items() if name in found.files}
        save(cache, here | {n: (list(found.files[n].stamp), e) for n, e in settled.items()})


def fresh(entry: tuple[list[int], str], file: LocalFile) -> bool:
    return tuple(entry[0]) == file.stamp


def cache_path(root: Path, part: int) -> Path:
    name = hashlib.sha256(f"{part}:{os.path.realpath(root)}".encode("utf-8", "surrogateescape"))
    return home() / "cache" / f"etags-{name.hexdigest()[:32]}.json"


def load(path: Path) -> dict[str, tuple[list[int], str]]:
    try:
        found = json.loads(path.read_text())
        return {name: (entry[0], str(entry[1])) for name, entry in found.items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}  # a cache: what is unreadable is made anew


def save(path: Path, entries: Mapping[str, tuple[list[int], str]]) -> None:
    try:
        replace(path, json.dumps(entries).encode())
    except (OSError, ByoaError):
        pass  # a cache: without it the next sync is slower, not wrong


def replace(path: Path, data: bytes) -> None:
    """Writes a file at once: readers see the old content or the new one, never a part."""
    with arriving(path) as new:
        new.write_bytes(data)


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """An empty file beside `path` that takes its name when the block ends well, or goes away."""
    partial = path.with_name(PARTIAL + uuid.uuid4().hex)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch(exist_ok=False)
        yield partial
        os.replace(partial, path)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ByoaError(
            f"{path} cannot be written: {error.filename} is in the way. Move it away."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
