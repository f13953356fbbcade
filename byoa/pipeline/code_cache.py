"""What tasks use of the project's code, remembered as long as nothing that was looked at changed.

Kept with it: where every module that was asked for was found, or that it was not, and the stamp of
every file that was read. All of that is compared first; one difference and everything is read anew.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from byoa import __version__, files
from byoa.pipeline.hashes import Stamp, settled, stamped
from byoa.plan.errors import ByoaError

#: Goes up when the same code is understood otherwise.
VERSION = 1
#: A function's code: {label: digest}, and the files that it came from.
Found = tuple[dict[str, str], tuple[Path, ...]]


class CodeCache:
    """`code.json`: what was found out about functions by their dotted names."""

    def __init__(
        self,
        path: Path,
        where: Callable[[str], Path | None],
        stamps: dict[Path, Stamp | None],
    ) -> None:
        """`stamps` gets those that what is kept was compared with."""
        self.path, self.where, self.stamps = path, where, stamps
        self.began = time.time_ns()
        self._found: dict[str, Found] | None = None
        self._names: dict[str, Path | None] = {}
        self._new = False

    def get(self, name: str) -> Found | None:
        if self._found is None:
            self._found, self._names = self._load()
        return self._found.get(name)

    def put(self, name: str, found: Found) -> None:
        assert self._found is not None
        self._found[name] = found
        self._new = True

    def looked(self, name: str, path: Path | None) -> None:
        """A module was asked for, and found there, or nowhere."""
        self._names[name] = path

    def _header(self) -> list[object]:
        return [VERSION, __version__, list(sys.version_info[:2]), sys.path]

    def _load(self) -> tuple[dict[str, Found], dict[str, Path | None]]:
        """What is kept, if it still holds."""
        try:
            said = json.loads(self.path.read_bytes())
            if said["header"] != self._header():
                return {}, {}
            names = {name: Path(path) if path else None for name, path in said["names"].items()}
            stamps = {Path(path): tuple(map(int, stamp)) for path, stamp in said["stamps"].items()}
            paths = list(stamps)
            found = {
                name: (dict(labels), tuple(paths[at] for at in places))
                for name, (labels, places) in said["found"].items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            return {}, {}
        same = all(self.where(name) == path for name, path in names.items())
        if not same or any(stamped(path) != stamp for path, stamp in stamps.items()):
            return {}, {}
        self.stamps.update(stamps)
        return found, names

    def save(self) -> None:
        """Keeps what is new, unless a file is so young that it could change unseen."""
        if not self._new or not self._found:
            return
        read = {path for path in self._names.values() if path is not None and path.suffix == ".py"}
        read.update(path for _, places in self._found.values() for path in places)
        stamps = {path: stamped(path) for path in sorted(read)}
        if not all(stamp and settled(stamp, self.began) for stamp in stamps.values()):
            return
        with suppress(OSError, ByoaError):
            files.replace(self.path, json.dumps(self._written(stamps)).encode())
            self._new = False

    def _written(self, stamps: Mapping[Path, object]) -> dict[str, object]:
        at = {path: number for number, path in enumerate(stamps)}
        return {
            "header": self._header(),
            "names": {name: str(path or "") for name, path in self._names.items()},
            "stamps": {str(path): stamp for path, stamp in stamps.items()},
            "found": {
                name: [labels, [at[path] for path in places]]
                for name, (labels, places) in (self._found or {}).items()
            },
        }
