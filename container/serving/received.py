"""Where a body lies while it comes: a small one in memory, a large one in a file without a name.

An asynchronous request may have 1 GB. The event loop's process needs none of it: the kernel hands
the file's pages on to the model process, which is the only one that holds the body as a whole.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import IO, TypeAlias

import gevent

from container.serving.answers import Answer, error
from container.serving.settings import MIB


def _is_memory(folder: str) -> bool:
    """Whether files there are memory, as /tmp of a container with a read-only root."""
    longest, kind = "", ""
    try:
        with open("/proc/self/mounts") as mounts:
            for _, at, what, *_ in map(str.split, mounts):
                if f"{folder}/".startswith(f"{at.rstrip('/')}/") and len(at) >= len(longest):
                    longest, kind = at, what
    except OSError:
        pass
    return kind in ("tmpfs", "ramfs")


#: More than what a real-time request may have: disks are for batch and async. Where the disk is
#: memory, a file would be memory that nobody counts.
IN_MEMORY = 1 << 40 if _is_memory(os.path.realpath(tempfile.gettempdir())) else 32 * MIB
PIECE = MIB
Whole: TypeAlias = bytes | bytearray | mmap.mmap


class RefusedError(Exception):
    """The request is answered without asking a model."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Received:
    """A body that comes piece by piece; `expected` bytes of it, as far as one knows."""

    def __init__(self, expected: int) -> None:
        self.size = 0
        self.file: IO[bytes] | None = None
        # Untouched memory costs nothing, so a false promise does not.
        self.body = bytearray(expected if expected <= IN_MEMORY else 0)
        if expected > IN_MEMORY:
            self._move()

    def add(self, piece: bytes | memoryview) -> None:
        """The next one."""
        if self.file is None and self.size + len(piece) > IN_MEMORY:
            self._move()
        if self.file is None:
            self.body[self.size : self.size + len(piece)] = piece
        else:
            self._write(piece)
        self.size += len(piece)

    def whole(self) -> bytearray | mmap.mmap:
        """All of it, to be read only."""
        if self.file is None:
            del self.body[self.size :]  # less came than was promised
            return self.body
        return mmap.mmap(self.file.fileno(), self.size, access=mmap.ACCESS_READ)

    def __enter__(self) -> Received:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what `whole` gave keeps its pages."""
        if self.file is not None:
            self.file.close()

    def _move(self) -> None:
        try:
            self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by __exit__
        except OSError as problem:
            raise RefusedError(no_disk(problem)) from None
        self._write(memoryview(self.body)[: self.size])
        self.body = bytearray()

    def _write(self, piece: bytes | bytearray | memoryview) -> None:
        assert self.file is not None
        view = memoryview(piece)
        try:
            while view:
                view = view[self.file.write(view) :]
        except OSError as problem:
            raise RefusedError(no_disk(problem)) from None
        gevent.sleep(0)  # a body that is there already must not stop all others


def no_disk(problem: OSError) -> Answer:
    """503: the folder for large bodies is full, or not to be written."""
    message = f"no room for the body in {tempfile.gettempdir()}: {problem.strerror}"
    return error(503, "no_disk", message, {"Connection": "close", "Retry-After": "10"})
