"""Memory and processor time of everything below one `serve`, by the part that each process plays.

Read from /proc when somebody asks; what ends meanwhile is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """One process: its part, its number where there are several, resident bytes, seconds."""

    role: str
    index: str
    resident: int
    seconds: float


def usages(http: int, models: Mapping[int, int]) -> Iterator[Usage]:
    """Of the supervisor and all below it; `http` is the event loop, `models` pid -> number."""
    gunicorn = parent(http)
    supervisor = parent(gunicorn)
    roles = {supervisor: "supervisor", gunicorn: "http", http: "http"}
    for pid in tree(supervisor):
        try:
            name, fields = _stat(pid)
        except OSError:
            continue
        role = roles.get(pid) or ("model" if pid in models else "other")
        index = str(models[pid]) if role == "model" else ""
        seconds = (int(fields[11]) + int(fields[12])) / TICKS
        yield Usage("nginx" if name == "nginx" else role, index, int(fields[21]) * PAGE, seconds)


def parent(pid: int) -> int:
    """Who started a process."""
    return int(_stat(pid)[1][1])


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    try:
        listing = (PROC / str(pid) / "task" / str(pid) / "children").read_text()
    except OSError:  # it is gone, or the kernel tells nobody
        return
    for child in listing.split():
        yield from tree(int(child))


def _stat(pid: int) -> tuple[str, list[str]]:
    """Its name, and the fields after it, of which the first is the state."""
    text = (PROC / str(pid) / "stat").read_text(errors="replace")
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.split()
