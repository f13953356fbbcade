"""A child process that cannot outlive us: own session, dies with its parent, group is killable."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from container.family import DieWithParent
from container.serving.privileges import Identity


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and how."""

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    identity: Identity | None = None
    pass_fds: tuple[int, ...] = ()
    niceness: int = 0
    folder: Path | None = None
    parent_death_signal: signal.Signals = signal.SIGKILL


@dataclass(slots=True)
class Forked:
    """A process that one of ours forked for us, and left to us."""

    name: str
    pid: int
    exit_status: int | None = None

    @property
    def alive(self) -> bool:
        return self.exit_status is None

    def ended(self, wait_status: int) -> None:
        """Note how it ended, as a shell would tell it: 128 + n for signal n."""
        code = os.waitstatus_to_exitcode(wait_status)
        self.exit_status = code if code >= 0 else 128 - code

    def send(self, number: signal.Signals) -> None:
        """Signal the process itself."""
        if self.alive:
            os.kill(self.pid, number)

    def send_group(self, number: signal.Signals) -> None:
        """Signal it and whatever it started; what is left of it, where it is gone."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


class Child(Forked):
    """A running command."""

    def __init__(self, command: Command) -> None:
        self.command, identity = command, command.identity
        die_with_parent = DieWithParent(command.parent_death_signal)

        def before_exec() -> None:  # in the child, single-threaded, after the user is set
            die_with_parent()
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            if command.niceness:
                os.nice(command.niceness)

        self.popen = subprocess.Popen(
            command.arguments,
            env=dict(command.environ),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=command.pass_fds,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
            preexec_fn=before_exec,  # noqa: PLW1509 - the supervisor has one thread
        )
        super().__init__(command.name, self.popen.pid)

    def ended(self, wait_status: int) -> None:
        """Note how it ended; we reap, Popen must not."""
        super().ended(wait_status)
        self.popen.returncode = self.exit_status


def children() -> list[int]:
    """Our living or unreaped children, adopted ones included."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as listing:
            return [int(each) for each in listing.read().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return []
