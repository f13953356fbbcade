"""Where a path of the container is on this machine: below the folder that stands for its host."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from byoa.local.container import ML
from byoa.local.resources import refused

_ML = re.compile(rf"(\A|=){ML}(?=/|\Z)")


def led(text: str, base: Path) -> str:
    """/opt/ml/x -> base/x, and --in=/opt/ml/x -> --in=base/x: a process has no /opt/ml."""
    return _ML.sub(lambda found: found[1] + str(base), text)


def here(inside: str, base: Path) -> Path:
    """The folder of this machine that is the container's path `inside`."""
    path = PurePosixPath(inside)
    if path.is_relative_to(ML):
        return base / path.relative_to(ML)
    return base / "elsewhere" / path.relative_to("/")


def check_path(operation: str, given: Mapping[str, str], field: str = "LocalPath") -> None:
    """A LocalPath is one: absolute, and no way out of itself."""
    text = given.get(field, "")
    if not text.startswith("/") or ".." in text.split("/") or text.strip("/") == "":
        raise refused(
            operation,
            f"Value {text!r} at {field!r} is no path in a container. Write an absolute one, such"
            " as /opt/ml/processing/input.",
        )


def is_real(folder: Path) -> bool:
    """Whether a folder is still where we made it: a container may have put a link in its place."""
    return os.path.realpath(folder) == str(folder)
