"""A terminal for tests: a program on a pseudo-terminal, and what a person would see there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence

TOKEN = re.compile(r"\x1b\[(\d*(?:;\d+)*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Seen:
    """The rows of a terminal as wide as that, from the first to the last; colours are dropped."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows, self.row, self.column = [""], 0, 0
        self.broken: set[int] = set()  #: rows that go on in the next one

    def feed(self, text: str) -> Seen:
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"not understood: {text[at : at + 20]!r}"
            at = found.end()
            self._do(*found.groups())
        return self

    def _do(self, number: str, letter: str, back: str, down: str, said: str) -> None:
        if back:
            self.column = 0
        elif down:
            self._to(self.row + 1, 0)
        elif said:
            for sign in said:
                self._put(sign)
        elif letter in "AF":
            self._to(max(0, self.row - int(number or 1)), 0 if letter == "F" else self.column)
        elif letter == "J":
            assert number in ("", "0"), "what a person has on the screen is not to be wiped"
            self.rows[self.row :] = [self.rows[self.row][: self.column]]
            self.broken = {row for row in self.broken if row < self.row}
        else:
            assert letter == "m", f"not understood: {letter}"

    def _put(self, sign: str) -> None:
        if self.column == self.columns:
            self.broken.add(self.row)
            self._to(self.row + 1, 0)
        line = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = line[: self.column] + sign + line[self.column + 1 :]
        self.column += 1

    def _to(self, row: int, column: int) -> None:
        self.row, self.column = row, column
        self.rows += [""] * (row + 1 - len(self.rows))

    def resize(self, columns: int) -> None:
        """Narrower, as terminals do it: lines are broken anew, the cursor stays at its letter."""
        assert self.row == len(self.rows) - 1
        lines = "\n".join(self.rows).split("\n")
        assert not self.broken
        self.columns, self.rows = columns, []
        for line in lines:
            self.rows += [line[at : at + columns] for at in range(0, max(1, len(line)), columns)]
        self.row, self.column = len(self.rows) - 1, len(self.rows[-1])

    @property
    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows)


class Terminal:
    """A program on a terminal of its own; `said` is all that it wrote."""

    def __init__(self, words: Sequence[str], columns: int = 80, **environ: str) -> None:
        self.ours, theirs = pty.openpty()
        self.size(columns, theirs)
        self.columns, self.said = columns, ""
        base = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
        self.process = subprocess.Popen(
            [sys.executable, *words], stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, close_fds=True,
            env={**base, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environ},
        )  # fmt: skip
        os.close(theirs)

    def size(self, columns: int, end: int | None = None) -> None:
        fcntl.ioctl(
            self.ours if end is None else end,
            termios.TIOCSWINSZ,
            struct.pack("HHHH", 24, columns, 0, 0),
        )

    def until(self, there: str | Callable[[str], bool], seconds: float = 60) -> str:
        """Reads on until that is said."""
        asked = (lambda text: there in text) if isinstance(there, str) else there
        end = time.monotonic() + seconds
        while not asked(self.said):
            assert time.monotonic() < end, self.said
            assert self.read(), self.said
        return self.said

    def read(self) -> bool:
        """Some more; False at the end."""
        if not select.select([self.ours], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # the other end is closed
            return False
        self.said += data.decode("utf-8", "replace")
        return bool(data)

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self, seconds: float = 60) -> int:
        """The exit code, when all was read."""
        stop = time.monotonic() + seconds
        while self.read():
            assert time.monotonic() < stop, self.said
        os.close(self.ours)
        return self.process.wait(10)

    @property
    def seen(self) -> Seen:
        return Seen(self.columns).feed(self.said)
