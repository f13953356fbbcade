"""Ends what a program left behind, gently first: nothing may outlive `train`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from container.family import Process, catches, descendants, send, send_group

# How long they may take to end: on their own, after SIGTERM, after SIGKILL.
SETTLE_SECONDS = 0.5
TERM_SECONDS = 5.0
KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Every process below us once the program is gone."""

    # The program's process group, and whether all of it was told to stop with the program.
    group: int
    told: bool
    # How long those who may still be saving have; None when nobody was asked to stop.
    patience: float | None
    handle: Callable[[float], None]
    log: Callable[[str], None]

    def end(self) -> None:
        """Lets them end by themselves, then by SIGTERM, then by SIGKILL."""
        if self._wait_for(family, SETTLE_SECONDS):
            return
        self._terminate(family())
        if self.patience is not None:
            self._wait_for(_saving, self.patience)
        if not self._wait_for(family, TERM_SECONDS):
            kill(self.group)
            self._wait_for(family, KILL_SECONDS)

    def _terminate(self, left: list[Process]) -> None:
        for process in left:
            if not (self.told and process.group == self.group):
                send(process.pid, signal.SIGTERM)
        if left and self.patience is not None:
            self.log(f"the program is gone; waiting for {names(left)}")
        elif left:
            self.log(f"the program left processes behind, ended now: {names(left)}")

    def _wait_for(self, living: Callable[[], list[Process]], seconds: float) -> bool:
        """Whether they are all gone within the time."""
        end = time.monotonic() + seconds
        pause = 0.005
        while living():
            if time.monotonic() >= end:
                return False
            self.handle(pause)
            pause = min(pause * 2, 0.1)
        return True


def family() -> list[Process]:
    """Every process below us."""
    return descendants(os.getpid())


def _saving() -> list[Process]:
    """Who may still be saving: who has a handler for SIGTERM, not who ignores it."""
    return [process for process in family() if catches(process.pid, signal.SIGTERM)]


def kill(group: int) -> None:
    """SIGKILL to every process below us, and to what a group holds where there is no /proc."""
    for process in family():
        send(process.pid, signal.SIGKILL)
    send_group(group, signal.SIGKILL)


def names(processes: list[Process]) -> str:
    """Who they are, a few by name."""
    shown = ", ".join(f"{process.name} ({process.pid})" for process in processes[:5])
    return shown + (f" and {len(processes) - 5} more" if len(processes) > 5 else "")
