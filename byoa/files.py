"""The files of a folder and the ETags of their contents; of the standard library alone.

ETags are kept under BYOA_HOME/cache by size, both times and inode, so that an unchanged file is
read once. Content rules: what changed within the last moments before a look is never kept.
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
from pathlib import Path

from byoa.plan import sync
from byoa.plan.errors import ByoaError, UsageError

#: What half-written files are called until they are renamed; no listing shows them.
PARTIAL = ".byoa-partial-"
#: File systems' clocks tick this coarsely: what is younger could change unseen.
SETTLED_NS = 2_000_000_000
BLOCK = 1 << 20


class ChangedError(ByoaError):
    """Files that are no longer what they were when their folder was looked through."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(
            f"{some(paths)}: changed while being read, and not sent; everything else was. "
            "Stop what writes there, then run again."
        )


@dataclass(frozen=True, slots=True)
class LocalFile:
    """One file as it was when the folder was looked through."""

    path: str
    size: int
    stamp: tuple[int, ...]


@dataclass
class Folder:
    """The files of a folder by their names below it; sentences on what is left out."""

    root: Path
    files: dict[str, LocalFile] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    looked: int = field(default_factory=time.time_ns)

    def sizes(self) -> dict[str, int]:
        return {name: file.size for name, file in self.files.items()}


def some(sentences: Sequence[str], most: int = 50) -> str:
    """All of a list, or so many and how many more."""
    more = f" and {len(sentences) - most} more" if len(sentences) > most else ""
    return "; ".join(sentences[:most]) + more


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
        mode = root.stat().st_mode
    except OSError as error:
        raise UsageError(
            f"{root}: {error.strerror}. Name a folder or a file that exists."
        ) from None
    if stat.S_ISREG(mode):
        add(found, root.name, str(root))
    else:
        walk(found, os.path.realpath(root), skip)
    if found.unusable:
        said = some(found.unusable)
        raise UsageError(f"{root} cannot be taken as it is, nothing was done: {said}.")
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
            elif PARTIAL not in entry.name:
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
        status = os.stat(path)  # noqa: PTH116 - ten thousand times, and Path takes twice as long
    except FileNotFoundError:
        return  # gone since the folder was listed: as if it had never been there
    if not stat.S_ISREG(status.st_mode):
        found.left_out.append(f"{name}: no file, but a pipe, a socket or a device")
    elif not os.access(path, os.R_OK):
        found.unusable.append(f"{name} ({os.strerror(errno.EACCES)})")
    else:
        found.files[name] = LocalFile(path, status.st_size, stamp(status))


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """What of a file changes when its content does: its size, both times and its inode."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def etag(path: str | Path, size: int, part: int = sync.PART) -> str:
    """The ETag that S3 gives the file when we upload it; "" when it is not there any more."""
    try:
        with open(path, "rb") as source:
            spans = sync.parts(size, part)
            digests = [piece(source.read, length) for _, length in spans or [(0, size)]]
    except FileNotFoundError:
        return ""
    return sync.joined_etag(digests) if spans else digests[0].hex()


def piece(read: Callable[[int], bytes], length: int) -> bytes:
    """The MD5 of the next bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    while length > 0 and (block := read(min(BLOCK, length))):
        digest.update(block)
        length -= len(block)
    return digest.digest()


def home() -> Path:
    """Where everything lies that runs here or must be remembered: BYOA_HOME, else ~/.byoa."""
    return Path(os.environ.get("BYOA_HOME") or "~/.byoa").expanduser().absolute()


def etags(found: Folder, names: Iterable[str], part: int = sync.PART) -> dict[str, str]:
    """The ETags of some files of a folder, from the cache where the file did not change."""
    kept = load(cache_path(found.root, part))
    wanted = list(names)
    known = {
        name: kept[name][1]
        for name in wanted
        if name in kept and kept[name][0] == found.files[name].stamp
    }
    if missing := [name for name in wanted if name not in known]:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            each = [found.files[name] for name in missing]
            values = pool.map(lambda file: etag(file.path, file.size, part), each)
            new = {name: value for name, value in zip(missing, values) if value}
        remember(found, new, part)
        known |= new
    return {name: known[name] for name in wanted if name in known}


def remember(found: Folder, new: Mapping[str, str], part: int = sync.PART) -> None:
    """Keeps ETags of files of a folder, but for those that may yet change unseen."""
    limit = found.looked - SETTLED_NS
    cache = cache_path(found.root, part)
    kept = {name: entry for name, entry in load(cache).items() if name in found.files}
    for name, value in new.items():
        if max(found.files[name].stamp[1:3]) < limit:
            kept[name] = (found.files[name].stamp, value)
    with suppress(OSError, ByoaError):  # without it the next look is slower, not wrong
        home().mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(cache, json.dumps(kept).encode())


def cache_path(root: Path, part: int) -> Path:
    name = hashlib.sha256(f"{part}:{os.path.realpath(root)}".encode("utf-8", "surrogateescape"))
    return home() / "cache" / f"etags-{name.hexdigest()[:32]}.json"


def load(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    try:
        found = json.loads(path.read_bytes())
        return {name: (tuple(stamped), str(value)) for name, (stamped, value) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # a cache: what is unreadable is made anew


def replace(path: Path, data: bytes) -> None:
    """Writes a file at once: readers see the old content or the new one, never a part."""
    with arriving(path) as new:
        new.write_bytes(data)


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """An empty file beside `path` that takes its name when the block ends well, or goes away."""
    new = path.with_name(PARTIAL + uuid.uuid4().hex)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.touch(exist_ok=False)
        yield new
        os.replace(new, path)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ByoaError(
            f"{path} cannot be written: {error.filename} is in the way. Move it away."
        ) from error
    finally:
        with suppress(OSError):
            new.unlink()
