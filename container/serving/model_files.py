"""What lies in a model's folder, in a few words: for who looked for something else there."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

MOST_NAMED = 12


def contents(folder: Path) -> str:
    """The first files below a folder, by their names from there."""
    found = (
        os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118 - of many, quickly
        for parent, _, names in os.walk(folder)
        for name in sorted(names)
    )
    named = list(islice(found, MOST_NAMED + 1))
    more = ", …" if len(named) > MOST_NAMED else ""
    return ", ".join(named[:MOST_NAMED]) + more or "no file"
