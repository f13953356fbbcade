"""Runs one program as our child: signals reach it, its exit code is told, nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from container.family import DieWithParent, reaped, send, send_group
from container.kills import count_memory_kills
from container.leftovers import Leftovers, family, kill, names
from container.signals import STOPS, Signals
from container.tail import Tail

IMPATIENT = 3


@dataclass(frozen=True, slots=True)
class Launch:
    """A program to run, and how to treat it."""

    command: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    # A shell does not pass signals on to what it waits for, so its whole group gets them.
    signal_group: bool = False
    # Whether to keep the end of stderr, for programs that cannot tell us their error themselves.
    keep_stderr: bool = False
    grace: float = 110.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    by_signal: int | None = None
    stop: signal.Signals | None = None
    overdue: bool = False
    # Whether the kernel killed something for lack of memory meanwhile: it or one of its children.
    memory_kill: bool = False
    stderr: str = ""

    @property
    def is_stopped(self) -> bool:
        """Whether it ended because somebody asked it to: in time, and of nothing else."""
        asked = self.stop is not None and not self.overdue and not self.memory_kill
        return asked and self.by_signal in (None, self.stop)


def run(launch: Launch, signals: Signals, log: Callable[[str], None]) -> Ended:
    """Runs a program to its end, and everything that it started with it."""
    return _Run(launch, signals, log).to_its_end()


@dataclass(slots=True)
class _Run:
    launch: Launch
    signals: Signals
    log: Callable[[str], None]
    pid: int = 0
    status: int | None = None
    deadline: float | None = None
    overdue: bool = False
    stops: int = 0
    tail: Tail | None = None
    memory_kills: int = 0
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def to_its_end(self) -> Ended:
        self._start()
        while self.status is None:
            self._handle(None if self.overdue else self._left())
        self._leftovers().end()
        self._reap()
        if self.tail is not None:
            self.tail.copy()
            self.tail.close()
        return self._ended()

    def _start(self) -> None:
        self.memory_kills = count_memory_kills()
        self.tail = Tail() if self.launch.keep_stderr else None
        self.child = subprocess.Popen(
            list(self.launch.command),
            cwd=self.launch.folder,
            env=dict(self.launch.environ),
            stderr=self.tail.writer if self.tail else None,
            start_new_session=True,
            preexec_fn=DieWithParent(),  # noqa: PLW1509 - we have no thread by now
        )
        self.pid = self.child.pid
        if self.tail is not None:
            self.tail.started()

    def _left(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def _handle(self, seconds: float | None) -> None:
        """Waits for one thing to happen, and deals with it."""
        descriptors = self.tail.descriptors() if self.tail else ()
        for number in self.signals.wait(seconds, *descriptors):
            if number != signal.SIGCHLD:
                self._forward(number)
        if self.tail is not None:
            self.tail.copy()
        self._reap()
        if self._left() == 0 and not self.overdue:
            self._kill(f"still running {self.launch.grace:g} s after {self._stop_name()}")

    def _forward(self, number: signal.Signals) -> None:
        if number in STOPS:
            self.stops += 1
            if self.deadline is None:
                self.deadline = time.monotonic() + self.launch.grace
                self.log(f"{number.name}: stopping, within {self.launch.grace:g} s")
            if self.stops >= IMPATIENT:
                self._kill(f"asked to stop {self.stops} times")
        if self.launch.signal_group:
            send_group(self.pid, number)
        else:
            send(self.pid, number)

    def _stop_name(self) -> str:
        return self.signals.stop.name if self.signals.stop else "SIGTERM"

    def _kill(self, why: str) -> None:
        self.overdue = True
        self.log(f"{why}: killed {names(family()) or 'it'}")
        kill(self.pid)

    def _reap(self) -> None:
        """Collects every dead child: as PID 1 we are given those of others, too."""
        for pid, status in reaped():
            if pid == self.pid:
                self.status = status

    def _leftovers(self) -> Leftovers:
        """What is below us now.

        After a stop it has the rest of the time to save if the program did not pass the stop on:
        a shell, or a script that only waits for others, dies of it at once.
        """
        stopping = self.deadline is not None
        patient = self.launch.signal_group or self._signal() == signal.SIGTERM
        return Leftovers(
            group=self.pid,
            told=stopping and self.launch.signal_group,
            patience=self._left() if stopping and patient else None,
            handle=self._handle,
            log=self.log,
        )

    def _signal(self) -> int | None:
        code = os.waitstatus_to_exitcode(self.status or 0)
        return -code if code < 0 else None

    def _ended(self) -> Ended:
        code = os.waitstatus_to_exitcode(self.status or 0)
        if self.child is not None:
            self.child.returncode = code  # we reaped it ourselves: Popen must not look for it
        return Ended(
            code=128 - code if code < 0 else code,
            by_signal=self._signal(),
            stop=self.signals.stop,
            overdue=self.overdue,
            memory_kill=count_memory_kills() > self.memory_kills,
            stderr=self.tail.text if self.tail else "",
        )
