"""A terminal: lines that scroll, and below them a few that are redrawn in their place."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from byoa.plan.pipeline.report.terminal import BAR, MARKS, width

#: Seconds between two drawings while nothing else happens: the time goes on.
PAUSE = 0.5
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
Draw = Callable[[int], Sequence[str]]


def is_live(out: TextIO | None) -> bool:
    """Whether lines can be redrawn there: a terminal, and not one that knows no movement."""
    try:
        return out is not None and out.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # it is closed
        return False


def has_colours(out: TextIO | None) -> bool:
    """Whether to colour what goes there."""
    return is_live(out) and wants_colours()


def wants_colours() -> bool:
    """Whether the user likes them (https://no-color.org)."""
    return not os.environ.get("NO_COLOR")


def is_poor(out: TextIO) -> bool:
    """Whether it lacks the letters that bars are drawn with."""
    try:
        "".join((*BAR, *MARKS.values())).encode(getattr(out, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


class Screen:
    """What `draw` makes, no wider than it is told to, stays last; `say` writes above it."""

    def __init__(self, out: TextIO, draw: Draw) -> None:
        self.out, self.make = out, draw
        self.shown: list[str] = []
        self.columns = 0
        self.lock = threading.RLock()
        self.over = threading.Event()

    def say(self, text: str) -> None:
        with self.lock:
            self._write(f"{self._back()}{text}\n", [])
            self.draw()

    def draw(self) -> None:
        """Draws anew what changed, at the terminal's width of now."""
        with self.lock:
            columns, rows = size()
            lines = list(self.make(columns))[: max(1, rows - 1)]
            same = (lines, columns) == (self.shown, self.columns)
            self.columns = columns
            if not (same or self.over.is_set()):
                self._write(self._back() + "\n".join(lines), lines)

    def wipe(self) -> None:
        with self.lock:
            self._write(self._back(), [])

    def _back(self) -> str:
        """To where the drawing began, and nothing behind it.

        A terminal that became narrower has broken the lines: they are more now.
        """
        if not self.shown:
            return ""
        columns = max(1, size()[0])
        rows = sum(max(1, -(-width(plain(line)) // columns)) for line in self.shown)
        return (f"\x1b[{rows - 1}A" if rows > 1 else "") + "\r\x1b[J"

    def _write(self, text: str, shown: list[str]) -> None:
        try:
            self.out.write(text)
            self.out.flush()
        except (OSError, ValueError):  # nobody looks any more: what is watched goes on
            self.over.set()
        finally:  # Ctrl-C arrives here more often than anywhere else
            self.shown = shown

    def run(self) -> None:
        while not self.over.wait(PAUSE):
            self.draw()


def size() -> tuple[int, int]:
    """Columns and rows of the terminal that stderr is."""
    try:
        found = os.get_terminal_size(sys.stderr.fileno())
        if min(found) > 0:  # serial lines and bare pseudo-terminals say 0 x 0
            return found
    except (OSError, ValueError, AttributeError):
        pass
    return shutil.get_terminal_size()


def plain(text: str) -> str:
    """Without colours."""
    return COLOUR.sub("", text)


_screens: list[Screen] = []


@contextmanager
def live(out: TextIO, draw: Draw) -> Iterator[Screen]:
    """A drawing that stays below all that is said meanwhile, and is gone at the end."""
    screen = Screen(out, draw)
    for outer in _screens:
        outer.wipe()
    _screens.append(screen)
    ticker = threading.Thread(target=screen.run, daemon=True)
    try:
        screen.draw()
        ticker.start()
        yield screen
    finally:
        with screen.lock:
            screen.wipe()
            screen.over.set()
        _screens.remove(screen)


def say(text: str) -> None:
    """One line on stderr, at once; above what is drawn there."""
    if _screens:
        _screens[-1].say(text)
    else:
        print(text, file=sys.stderr, flush=True)
