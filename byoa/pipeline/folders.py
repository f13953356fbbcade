"""Folders that are products: replaced as a whole where every file in them is the task's own.

What a user keeps in such a folder stays. To tell the one from the other, the names of the files
that a task has put there are written down before they are put.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from byoa import files
from byoa.plan.errors import ByoaError

#: Puts a file or a folder to its place.
Put = Callable[[Path, Path], None]


class Ledger:
    """The files that a task has put into its folders: {folder: names below it}."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, set[str]]:
        try:
            said = json.loads(self.path.read_bytes())
            return {str(folder): set(map(str, names)) for folder, names in said.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # then nothing is known to be the task's own, and nothing is removed

    def write(self, folder: str, names: Iterable[str]) -> None:
        said = {key: sorted(value) for key, value in self.read().items()}
        said[folder] = sorted(names)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(said, ensure_ascii=False)
        files.replace(self.path, text.encode("utf-8", "surrogatepass"))


def inside(folder: Path) -> set[str]:
    """The names of all files and links below a folder; none where there is no folder."""
    return {
        os.path.relpath(os.path.join(path, name), folder)  # noqa: PTH118 - a name may be any bytes
        for path, folders, names in os.walk(folder)
        for name in (*names, *(one for one in folders if Path(path, one).is_symlink()))
    }


@dataclass(frozen=True)
class Folder:
    """A folder that a task makes, by the name that the ledger has for it."""

    key: str
    place: Path


def put_folder(made: Path, folder: Folder, ledger: Ledger, put: Put, old: Path) -> None:
    """Puts a folder to its place; one that is all the task's own goes below `old` first."""
    key, place, new = folder.key, folder.place, inside(made)
    own = ledger.read().get(key, set())
    ledger.write(key, own | new)
    if inside(place) <= own:
        make_way(place, own, old)
        put(made, place)
    else:
        for name in sorted(new):
            put(made / name, place / name)
        for name in own - new:
            remove(place, name)
        place.mkdir(parents=True, exist_ok=True)
    ledger.write(key, new)


def remove(folder: Path, name: str) -> None:
    """Removes a file that the task no longer makes, and the folders that are empty without it."""
    path = folder / name
    with suppress(OSError):
        path.unlink()
        while path.parent != folder:
            path = path.parent
            path.rmdir()


def make_way(place: Path, own: set[str], old: Path) -> None:
    """Moves a folder away for a file or a folder that takes its name, if it is the task's own."""
    if not place.is_dir():
        return
    others = sorted(inside(place) - own)
    if others:
        names = ", ".join(others[:3]) + ", …" * (len(others) > 3)
        raise ByoaError(
            f"{place} cannot be written: a folder is there, with files that the task did not make "
            f"({names}). Move it away."
        )
    old.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(place, old / uuid.uuid4().hex)
    except OSError:  # another file system: nothing can be moved there
        shutil.rmtree(place)
