"""A child process that cannot outlive us: own session, dies with its parent, group is killable."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
class Child:
    """A running command."""

    command: Command
    popen: subprocess.Popen[bytes] = field(init=False)
    exit_status: int | None = None

    def __post_init__(self) -> None:
        command, identity = self.command, self.command.identity
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

    @property
    def alive(self) -> bool:
        return self.exit_status is None

    def ended(self, wait_status: int) -> None:
        """Note how it ended, as a shell would tell it: 128 + n for signal n."""
        code = os.waitstatus_to_exitcode(wait_status)
        self.exit_status = code if code >= 0 else 128 - code
        self.popen.returncode = code  # we reap, Popen must not

    def send(self, number: signal.Signals) -> None:
        """Signal the process itself."""
        if self.alive:
            os.kill(self.popen.pid, number)

    def send_group(self, number: signal.Signals) -> None:
        """Signal it and whatever it started; what is left of it, where it is gone."""
        try:
            os.killpg(self.popen.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def children() -> list[int]:
    """Our living or unreaped children, adopted ones included."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as listing:
            return [int(each) for each in listing.read().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return []
