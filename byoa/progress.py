"""What is told while something goes on: lines on stderr, a bar where it is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from byoa import screen
from byoa.plan.look import bars
from byoa.plan.look.bars import size
from byoa.plan.pipeline.report.terminal import cut
from byoa.plan.storage import Progress
from byoa.screen import say

__all__ = ["Moving", "bar", "moving", "say", "size"]


class Moving:
    """A bar that goes on: `set` what is done, `note` what it is at. It draws itself."""

    def __init__(self, what: str) -> None:
        self.what, self.begun, self.rate = what, time.monotonic(), bars.Rate()
        self.done, self.total = 0.0, 0.0
        self.files = (0, 0)
        self.notes: tuple[str, ...] = ()
        self.below: tuple[str, ...] = ()  #: lines under the bar
        self.of_bytes = False

    def set(self, done: float, total: float, *notes: str) -> None:
        self.done, self.total, self.notes = done, total, notes
        self.rate.add(time.monotonic(), done)

    def bytes(self, done: int, total: int, file: int = 0, files: int = 0) -> None:
        """What storage calls: bytes done of all, files done of all."""
        self.of_bytes, self.files = True, (file, files)
        self.set(done, total)

    def line(self, columns: int) -> list[str]:
        now = time.monotonic()
        seconds, rate = now - self.begun, self.rate.at(now)
        notes, left = self.notes, None
        if self.of_bytes:
            notes = (f"{size(self.done)} of {size(self.total)}",)
            notes += (f"{size(rate)}/s",) if rate else ()
            file, files = self.files
            notes += (f"{file} of {files} files",) if files > 1 else ()
            left = (self.total - self.done) / rate if rate and self.done < self.total else None
        part = self.done / self.total if self.total else None
        shown = bars.Bar(what=self.what, part=part, notes=notes, seconds=seconds, left=left)
        below = [cut(text, columns) for text in self.below]
        return [bars.line(shown, columns, screen.is_poor(sys.stderr)), *below]


@contextmanager
def moving(what: str) -> Iterator[Moving | None]:
    """A bar on a terminal; None where nobody watches."""
    if not screen.is_live(sys.stderr):
        yield None
        return
    shown = Moving(what)
    with screen.live(sys.stderr, shown.line):
        yield shown


@contextmanager
def bar(what: str) -> Iterator[Progress | None]:
    """A bar of bytes and files on a terminal; None where nobody watches."""
    with moving(what) as shown:
        yield shown.bytes if shown else None
