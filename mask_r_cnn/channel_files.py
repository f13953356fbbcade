"""The files of a channel, listed once, and the sizes of its pictures."""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path, PurePosixPath

from pictures import PictureError, decode_picture, upright_size
from problems import Problems

MASK_FOLDERS = {"masks", "pedmasks"}  # what lies there often has the name of its picture
_HEAD, _TAIL = 65_536, 1024
_THREADS = 16  # most of the time is spent waiting for the disk, or for S3 in FastFile mode


class ChannelFiles:
    """Knows every file below a folder, by its path in it, and finds those that others name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_name: dict[str, list[str]] = {}
        for path in _walk(folder):
            self._by_name.setdefault(PurePosixPath(path).name, []).append(path)

    def __iter__(self) -> Iterator[str]:
        return (path for paths in self._by_name.values() for path in paths)

    def __len__(self) -> int:
        return sum(len(paths) for paths in self._by_name.values())

    def shallow(self) -> Iterator[str]:
        """Lists the files in the folder itself and one folder below."""
        return (path for path in self if path.count("/") <= 1)

    def find(self, written: str, beside: str) -> list[str]:
        """Lists the files that a name in the file `beside` can mean: the one, none or several.

        Only files of the channel are found, whatever the name holds: drives, .. and the folders
        of the machine where the annotations were made lead nowhere.
        """
        wanted = [part for part in written.replace("\\", "/").split("/") if part not in ("", ".")]
        if not wanted:
            return []
        candidates = self._by_name.get(wanted[-1]) or self._by_folded_name.get(
            folded(wanted[-1]), []
        )
        exact = "/".join(wanted)
        parent = str(PurePosixPath(beside).parent)
        for place in (exact, exact if parent == "." else f"{parent}/{exact}"):
            if place in candidates:
                return [place]
        return _closest(candidates, wanted)

    @cached_property
    def _by_folded_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name, paths in self._by_name.items():
            names.setdefault(folded(name), []).extend(paths)
        return names


def folded(name: str) -> str:
    """Gives what names share that differ by case, or by how a Mac writes an umlaut."""
    return unicodedata.normalize("NFC", name).casefold()


def measure(folder: Path, paths: Iterable[str], problems: Problems) -> dict[str, tuple[int, int]]:
    """Reads width and height, upright, of each picture; notes those that cannot be used."""
    names = list(paths)
    with ThreadPoolExecutor(_THREADS) as pool:
        results = pool.map(lambda name: _checked_size(folder / name), names, chunksize=64)
        sizes = {}
        for name, result in zip(names, results, strict=True):
            if isinstance(result, PictureError):
                problems.add("pictures that cannot be used", "replace them", f"{name} {result}")
            else:
                sizes[name] = result
    return sizes


def _checked_size(path: Path) -> tuple[int, int] | PictureError:
    try:
        return checked_size(path)
    except PictureError as error:
        return error
    except OSError as error:
        return PictureError(f"cannot be read ({error.strerror})")


def checked_size(path: Path) -> tuple[int, int]:
    """Reads a picture's size from its header and makes sure that its end is there.

    Decoding every picture of a large set would take hours; nearly every broken picture is one
    whose upload was cut short, and that shows at its end. Only a picture whose end looks odd is
    decoded whole, to be sure.
    """
    with path.open("rb") as file:
        start = file.read(_HEAD)
        total = file.seek(0, os.SEEK_END)
        file.seek(max(0, total - _TAIL))
        end = file.read(_TAIL)
        if total > _HEAD:
            try:
                size = upright_size(io.BytesIO(start))
            except PictureError:  # long metadata, or a TIFF whose directory is at its end
                file.seek(0)
                size = upright_size(file)
        else:
            size = upright_size(io.BytesIO(start))
    if not _complete(start, end, total):
        decode_picture(path.read_bytes())
    return size


def _complete(start: bytes, end: bytes, total: int) -> bool:
    """Tells whether a file surely ends where it should."""
    if start.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in end[-2:]
    if start.startswith(b"\x89PNG"):
        return b"IEND" in end[-12:]
    if start.startswith(b"RIFF"):
        return total >= int.from_bytes(start[4:8], "little") + 8
    if start.startswith(b"BM"):
        return total >= int.from_bytes(start[2:6], "little") > 0
    return False


def _walk(folder: Path) -> Iterator[str]:
    """Lists files by path below the folder, hidden ones left out, links followed once."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not _hidden(name))
        prefix = Path(place).relative_to(folder).as_posix()
        for name in sorted(names):
            if not _hidden(name):
                yield name if prefix == "." else f"{prefix}/{name}"


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _closest(candidates: list[str], wanted: list[str]) -> list[str]:
    """Keeps the candidates that share most folders with the wanted path; masks come last."""

    def shared(path: str) -> int:
        count = 0
        for mine, theirs in zip(reversed(path.split("/")), reversed(wanted), strict=False):
            if folded(mine) != folded(theirs):
                break
            count += 1
        return count

    best = max((shared(path) for path in candidates), default=0)
    closest = [path for path in candidates if shared(path) == best]
    pictures = [path for path in closest if not MASK_FOLDERS & set(path.lower().split("/")[:-1])]
    return pictures or closest
