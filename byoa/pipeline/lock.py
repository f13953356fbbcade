"""One build of a pipeline at a time: a locked file, given back by the kernel however it ends."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from byoa.plan.errors import ByoaError
from byoa.progress import say

NAME = "lock"


class BusyError(ByoaError):
    """Another build of the same pipeline goes on."""


@contextmanager
def alone(
    home: Path, *, wait: bool = True, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Holds the pipeline's lock; whoever comes second waits, and says for whom, or is refused."""
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        take(descriptor, home, wait, sleep)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def take(descriptor: int, home: Path, wait: bool, sleep: Callable[[float], None]) -> None:
    told = False
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        sentence = f"Another build of this pipeline runs here{holder(descriptor)}"
        if not wait:
            raise BusyError(f"{sentence}. Try again when it has ended.")
        if not told:
            say(f"byoa: {sentence}; this one waits for it (Ctrl-C ends the waiting).")
            told = True
        sleep(0.2)


def holder(descriptor: int) -> str:
    """Whose lock it is, in words, as far as it says."""
    try:
        return f" (process {int(json.loads(os.pread(descriptor, 100, 0))['pid'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
