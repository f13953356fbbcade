"""Users' modules imported in this process: their folders in front, another project's forgotten."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from byoa.pipeline.ploomber.finder import install

#: Modules of users' folders that were imported here, and their files as they were.
IMPORTED: dict[str, tuple[str, tuple[int, int]]] = {}


def stat_of(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


class importing:  # noqa: N801 - used as a word
    """Within it, modules of these folders can be imported."""

    def __init__(self, folders: Sequence[Path | str]) -> None:
        self.added = [str(folder) for folder in folders]

    def __enter__(self) -> None:
        install()
        self.forget()
        self.before, self.known = list(sys.path), set(sys.modules)
        sys.path[:0] = [folder for folder in self.added if folder not in sys.path]
        importlib.invalidate_caches()

    def __exit__(self, *_: object) -> None:
        sys.path[:] = [*self.before, *(path for path in sys.path if self.is_new(path))]
        for name in sys.modules.keys() - self.known:
            path = getattr(sys.modules[name], "__file__", None)
            if path and any(path.startswith(f"{folder}/") for folder in self.added):
                IMPORTED[name] = (path, stat_of(path))

    def forget(self) -> None:
        """Another project's `tasks`, or an older one of this, is not the one that is asked for."""
        for name, (path, stat) in list(IMPORTED.items()):
            here = any(path.startswith(f"{folder}/") for folder in self.added)
            if not here or stat_of(path) != stat:
                del IMPORTED[name]
                sys.modules.pop(name, None)

    def is_new(self, path: str) -> bool:
        return path not in self.before and path not in self.added
