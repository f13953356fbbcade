"""Where `container/` is, whose train and serve run as plain processes, and the Python for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from byoa.plan.errors import UsageError

PACKAGE = Path(__file__).resolve().parents[1]


def harness(beside: Path = PACKAGE) -> Path:
    """The folder `container`: beside byoa/ in a clone, byoa/_harness/container in a wheel."""
    for folder in (beside.parent / "container", beside / "_harness" / "container"):
        if (folder / "bin" / "train").is_file():
            return folder
    raise UsageError(
        f"The programs train and serve were looked for in {beside.parent / 'container'} and are"
        " not there. Install byoa from its repository (pip install -e .), or use a docker image."
    )


def python(environ: Mapping[str, str] = os.environ) -> str:
    """The Python that process:// jobs run with: BYOA_PYTHON, or the one that runs byoa."""
    return environ.get("BYOA_PYTHON") or sys.executable


def algorithm_of(image: str) -> Path | None:
    """process:///folder -> the folder; process:// -> None: a script of the user's own."""
    folder = image.partition("://")[2]
    return Path(folder) if folder else None
