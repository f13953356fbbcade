"""The processes below us: all of them, whatever group or session they moved to."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Process:
    """One process as /proc tells it."""

    pid: int
    parent: int
    group: int
    name: str


def adopt_orphans() -> None:
    """Makes us the parent of every descendant whose own parent dies, as PID 1 is anyway."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class DieWithParent:
    """What a child runs before its program: if we are killed, it is killed too.

    The library is loaded before the fork: between fork and exec as little as possible may happen.
    """

    def __init__(self, number: signal.Signals = signal.SIGKILL) -> None:
        self._number = int(number)
        self._parent = os.getpid()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def __call__(self) -> None:
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, self._number, 0, 0, 0)
        if os.getppid() != self._parent:  # killed before we could ask
            os._exit(1)


def stay_with_parent() -> None:
    """As DieWithParent, in the process that asks: who is killed takes us along."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def reaped() -> Iterator[tuple[int, int]]:
    """Collects every dead child, ours or adopted: its pid and its wait status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def descendants(ancestor: int) -> list[Process]:
    """Every living process below one; zombies are not living. Empty where there is no /proc."""
    processes = [process for process in map(_read, _pids()) if process]
    below, found = {ancestor}, True
    while found:
        more = {process.pid for process in processes if process.parent in below} - below
        below |= more
        found = bool(more)
    return [process for process in processes if process.pid in below - {ancestor}]


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []


def _read(pid: int) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may itself hold brackets and spaces.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    state, parent, group = rest.split()[:3]
    return None if state in "ZX" else Process(pid, int(parent), int(group), name)


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal; one that ignores it has none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return False
    masks = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def send_group(group: int, number: signal.Signals) -> None:
    """Sends a signal to a process group that may be gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass
