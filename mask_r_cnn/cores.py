"""How many cores this process may use, and how many threads it should compute with."""

from __future__ import annotations

import os


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def compute_threads(processes: int = 1) -> int:
    """What OMP_NUM_THREADS says, else this process's share of the cores."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    if text.isdecimal() and int(text):
        return int(text)
    return max(1, cores() // processes)
