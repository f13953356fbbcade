"""A build's commands: each in a shell of its own that goes on where the one before stopped.

As CodeBuild's agent does it: variables (exported or not) and the folder are written down when a
command ends, even by `exit`, and read again by the next.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

STOP_SECONDS = 5.0
#: How long lines may still come from what a command left in the background.
LAST_LINES_SECONDS = 0.5
#: `set -a` makes every variable that a command sets one of the build's.
SCRIPT = r"""
. "$BYOA_BUILD_STATE/variables"
CODEBUILD_BUILD_SUCCEEDING=$1
set --
cd "$(cat "$BYOA_BUILD_STATE/folder")" || exit 1
trap 'BYOA_BUILD_EXIT=$?; trap - EXIT; set +eux
    export -p > "$BYOA_BUILD_STATE/variables.new" \
        && mv "$BYOA_BUILD_STATE/variables.new" "$BYOA_BUILD_STATE/variables"
    pwd > "$BYOA_BUILD_STATE/folder"; exit $BYOA_BUILD_EXIT' EXIT
set -a
. "$BYOA_BUILD_STATE/command.sh"
"""


class StoppedError(Exception):
    """The build was stopped, or ran out of time, in the middle of a command."""


class Shell:
    """Runs commands one after the other, keeping what they set."""

    def __init__(
        self, folder: Path, start: Path, environment: Mapping[str, str], program: str = "bash"
    ) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = threading.Event()
        self.succeeding = True  #: what CODEBUILD_BUILD_SUCCEEDING says
        folder.mkdir(parents=True)
        (folder / "variables").write_text("")
        (folder / "folder").write_text(f"{start}\n")

    def run(self, command: str, on_line: Callable[[str], None], end: float) -> int:
        """The command's exit code. StoppedError after somebody's stop(), or when time is over."""
        if self.stopped.is_set():
            raise StoppedError
        (self.folder / "run.sh").write_text(SCRIPT)
        (self.folder / "command.sh").write_text(command + "\n")
        self.process = subprocess.Popen(
            [self.program, str(self.folder / "run.sh"), "1" if self.succeeding else "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                **self.environment,
                "BYOA_BUILD_STATE": str(self.folder),
            },
            start_new_session=True,
        )
        timer = threading.Timer(max(end - time.monotonic(), 0), self.stop)
        timer.daemon = True
        timer.start()
        try:
            return self.follow(self.process, on_line)
        finally:
            timer.cancel()

    def follow(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> int:
        """The exit code. What is still in the background by then may write to nobody."""
        reader = threading.Thread(target=read, args=(process.stdout, on_line), daemon=True)
        reader.start()
        code = process.wait()
        reader.join(LAST_LINES_SECONDS)
        if self.stopped.is_set():
            raise StoppedError
        return code

    def stop(self) -> None:
        """SIGTERM to all that the command started, five seconds later SIGKILL."""
        self.stopped.set()
        process = self.process
        if process is None:
            return
        send(process.pid, signal.SIGTERM)
        timer = threading.Timer(STOP_SECONDS, send, (process.pid, signal.SIGKILL))
        timer.daemon = True
        timer.start()

    def value(self, name: str) -> str:
        """What a variable is by now."""
        printed: list[str] = []
        self.run(f'printf "%s\\n" "${{{name}-}}"', printed.append, time.monotonic() + 10)
        return "\n".join(printed)


def read(stream: IO[bytes], on_line: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            on_line(line.decode("utf-8", "replace").rstrip("\r\n"))


def send(group: int, kind: signal.Signals) -> None:
    try:
        os.killpg(group, kind)
    except (ProcessLookupError, PermissionError):
        pass
