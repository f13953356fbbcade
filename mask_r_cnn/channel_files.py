"""The files of a channel, listed once, and what a name in an annotation file can mean."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

MASK_FOLDERS = {"masks", "pedmasks"}  # what lies there often has the name of its picture


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
