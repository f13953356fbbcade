"""How much memory the models of a multi-model endpoint use, and whether one more fits.

What counts is what each model's process has for itself: that is free again when it ends. A model
says it once, when it is loaded; after that one line of /proc tells how it changes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from container.serving.plan import folder_size
from container.serving.settings import MIB

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
KERNELS = MIB  # page tables and the like, of each process
LEAST = 4 * MIB  # a forked process, before the model
ON_DISK = 2  # a model needs about twice its files, unless we have seen what it needs
MOST_GROWN = 2  # buffers of a model's first requests; what comes on top is a leak
REMEMBERED = 100_000


def anonymous(pid: int) -> int:
    """Memory of a process that is no file's; 0 when it is gone."""
    try:
        _, resident, shared, *_ = (PROC / str(pid) / "statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * PAGE


@dataclass(slots=True)
class Usage:
    """One model's memory: reserved while it is loaded, then measured."""

    pid: int = 0
    reserved: int = LEAST
    private: int = 0
    at_ready: int = 0  # anonymous bytes when `private` was measured
    used: int = 0

    def loading(self, shared: int) -> None:
        """Look at a process that is still loading; `shared` is the zygote's part of it."""
        self.used = max(self.reserved, anonymous(self.pid) - shared)

    def ready(self, pid: int, private: int) -> None:
        """It has been loaded, and said what it has for itself."""
        self.pid, self.private, self.at_ready = pid, private, anonymous(pid)
        self.used = private + KERNELS

    def look(self) -> None:
        """What it has by now; less than at the start is only said of a process that shrank."""
        self.used = max(0, self.private + anonymous(self.pid) - self.at_ready) + KERNELS


@dataclass(slots=True)
class Budget:
    """The bytes that all models may use, and what we know about each from when it was loaded."""

    total: int
    known: dict[str, int] = field(default_factory=dict)

    def learn(self, url: str, used: int) -> None:
        """Remember what a model cost when it was loaded."""
        self.known.pop(url, None)
        self.known[url] = used
        if len(self.known) > REMEMBERED:
            del self.known[next(iter(self.known))]

    def grown(self, url: str, used: int) -> None:
        """Remember what it had when it was unloaded; not all of a leak, or it never fits again."""
        if url in self.known:
            self.learn(url, min(max(used, self.known[url]), MOST_GROWN * self.known[url]))

    def need(self, url: str, folder: Path) -> int:
        """What a model will probably cost. Reads the disk: not for the event loop."""
        known = self.known.get(url)
        if known is not None:
            return known
        try:
            return max(LEAST, ON_DISK * folder_size(folder))
        except OSError:  # its own process may see more than we may; a file may vanish
            return LEAST
