"""What is printed while a notebook runs: to the log at once, and into the cell that printed it.

The log is the process's own stdout and stderr, a file that is appended to. Python's streams write
to it by themselves and know where each of their texts ended; what lies between those came from
elsewhere (C code, subprocesses, forked children) and is put between them. There is no thread and no
pipe: nothing can fill up.
"""

from __future__ import annotations

import ctypes
import fcntl
import io
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from byoa.pipeline.notebook.outputs import MOST_TEXT, Outputs


class Log:
    """Our own end of the log, and how far it has been told."""

    def __init__(self, outputs: Outputs, number: int = 1) -> None:
        self.outputs, self.pid, self.lock = outputs, os.getpid(), threading.RLock()
        self.writer, self.reader = number, -1
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return  # a terminal or a pipe: only what Python prints can be gathered
        with suppress(OSError):
            # Descriptors of our own: an offset would be shared with every child.
            path = path_of(number)
            self.reader = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.writer = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            for one in (1, 2):
                flags = fcntl.fcntl(one, fcntl.F_GETFL)
                fcntl.fcntl(one, fcntl.F_SETFL, flags | os.O_APPEND)
        self.told = os.fstat(self.reader).st_size if self.follows else 0

    @property
    def follows(self) -> bool:
        return self.reader >= 0 and self.writer > 2

    def write(self, name: str, text: str) -> None:
        """A text of ours: into the log, and into the cell."""
        data = text.encode("utf-8", "backslashreplace")
        if os.getpid() != self.pid:  # a fork of the user's: its parent finds it in the log
            os.write(1, data)
            return
        with self.lock:
            for start in range(0, len(data), 1 << 20):
                self.append(data[start : start + (1 << 20)])
            self.outputs.stream(name, text)

    def append(self, data: bytes) -> None:
        while data:
            done = os.write(self.writer, data)
            if self.follows:
                end = os.lseek(self.writer, 0, os.SEEK_CUR)
                self.tell(end - done)
                self.told = end
            data = data[done:]

    def tell(self, until: int) -> None:
        """What others have written up to there, as the cell's stdout."""
        size = until - self.told
        if size <= 0:
            return
        start = self.told
        if size > 2 * MOST_TEXT:
            half = os.pread(self.reader, MOST_TEXT, start)
            text = half + b"\n\xe2\x80\xa6\n" + os.pread(self.reader, MOST_TEXT, until - MOST_TEXT)
        else:
            text = os.pread(self.reader, size, start)
        self.told = until
        self.outputs.stream("stdout", text.decode("utf-8", "replace"))

    def sync(self) -> None:
        """Puts all that has been written so far into the cell."""
        if not self.follows:
            return
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).fflush(None)
        with self.lock:
            self.tell(os.fstat(self.reader).st_size)

    def close(self) -> None:
        for number in (self.reader, self.writer):
            if number > 2:
                os.close(number)
        self.reader, self.writer = -1, 1


def path_of(number: int) -> str:
    """A path that opens a descriptor's file anew, with an offset of its own."""
    if sys.platform == "darwin":
        return os.fsdecode(fcntl.fcntl(number, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return f"/proc/self/fd/{number}"


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a notebook."""

    def __init__(self, log: Log, name: str, number: int) -> None:
        self.log, self.name, self.number = log, name, number

    encoding = "utf-8"
    errors = "backslashreplace"

    @property
    def buffer(self) -> Any:
        return Raw(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() takes a str, not {type(text).__name__}")
        if text:
            self.log.write(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self.number


class Raw(io.RawIOBase):
    """sys.stdout.buffer: bytes."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def write(self, data: Any) -> int:
        self.stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True


@contextmanager
def gathered(outputs: Outputs) -> Iterator[Log]:
    """sys.stdout and sys.stderr lead into the outputs and the log until the end."""
    before = sys.stdout, sys.stderr
    for stream in before:
        stream.flush()
    log = Log(outputs)
    sys.stdout, sys.stderr = Stream(log, "stdout", 1), Stream(log, "stderr", 2)
    try:
        yield log
    finally:
        sys.stdout, sys.stderr = before
        log.close()
