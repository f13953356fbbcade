"""Passes a program's stderr on to ours, and keeps its end."""

from __future__ import annotations

import os

KEPT_BYTES = 8192
MOST_READS = 16


class Tail:
    """A pipe for a program's stderr: what comes is written to ours, the last bytes are kept."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._open = True
        self._kept = b""

    @property
    def writer(self) -> int:
        """The end for the program; `started` must follow."""
        return self._writer

    def started(self) -> None:
        """Closes our copy of the program's end, so that the pipe ends when the program does."""
        os.close(self._writer)

    def descriptors(self) -> tuple[int, ...]:
        """What to wait on for more to come; nothing when it has ended."""
        return (self._reader,) if self._open else ()

    def copy(self) -> None:
        """Takes what is there, a bounded amount: a flood must not keep signals waiting."""
        for _ in range(MOST_READS):
            if not self._open:
                return
            try:
                data = os.read(self._reader, 65536)
            except BlockingIOError:
                return
            if not data:
                self.close()
            self._kept = (self._kept + data)[-KEPT_BYTES:]
            _pass_on(data)

    def close(self) -> None:
        if self._open:
            os.close(self._reader)
            self._open = False

    @property
    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def _pass_on(data: bytes) -> None:
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        pass  # nobody reads our log any more; the job goes on
