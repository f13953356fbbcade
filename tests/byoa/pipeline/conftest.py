"""What a test's project leaves in this process: its modules are those of no other project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Modules of the house, of its environment and of Python.
OURS = (str(Path(__file__).resolve().parents[3]), sys.prefix, sys.base_prefix)


@pytest.fixture(autouse=True)
def no_modules_of_projects() -> Iterator[None]:
    """Loading a pipeline imports the user's modules: as `tasks` or `steps`, again and again."""
    kept, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in sys.modules.keys() - kept:
        places = [getattr(sys.modules[name], "__file__", None) or ""]
        places += getattr(sys.modules[name], "__path__", [])
        if any(place and not place.startswith(OURS) for place in places):
            del sys.modules[name]
