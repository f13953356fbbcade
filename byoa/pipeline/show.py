"""A run told while it goes on: a table that is redrawn on a terminal, lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.report import terminal
from byoa.plan.pipeline.report.ran import Run
from byoa.plan.pipeline.selection import Selection, chosen
from byoa.screen import wants_colours

UP_AND_CLEAR = "\x1b[{}F\x1b[J"
#: Seconds between two drawings.
PAUSE = 0.2


class Show:
    """`event` for every event, `tick` now and then, `close` at the end; `run` is what was seen."""

    def __init__(
        self,
        names: Iterable[str],
        *,
        quiet: bool = False,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.out, self.quiet, self.clock = out or sys.stderr, quiet, clock
        self.run = Run(names)
        self.live = not quiet and self.out.isatty()
        self.ascii = not encodes(self.out)
        self.drawn, self.last = 0, 0.0

    def event(self, event: Mapping[str, Any]) -> None:
        self.run.take(event)
        if self.live:
            self.tick()
        elif not self.quiet and (line := terminal.news(event, self.run)):
            self._write(f"{time.strftime('%H:%M:%S', time.localtime(self.clock()))} {line}\n")

    def tick(self) -> None:
        """Draws anew if the last drawing is old enough; nothing where no terminal is."""
        now = self.clock()
        if self.live and abs(now - self.last) >= PAUSE:
            self.draw(now)

    def draw(self, now: float) -> None:
        self.last = now
        columns, rows = shutil.get_terminal_size()
        lines = terminal.live(self.run, now, columns, rows, self.ascii)
        back = UP_AND_CLEAR.format(self.drawn) if self.drawn else ""
        paint = terminal.coloured if wants_colours() else str
        self._write(back + "".join(f"{paint(line)}\n" for line in lines))
        self.drawn = len(lines)

    def wipe(self) -> None:
        """Takes the table away, for other lines; the next drawing is whole."""
        if self.live and self.drawn:
            self._write(UP_AND_CLEAR.format(self.drawn))
            self.drawn = 0

    def say(self, text: str) -> None:
        """Lines of another's, above the table."""
        self.wipe()
        self._write(f"{text}\n")

    def close(self) -> None:
        """The table at the end in the place of the live one."""
        self.wipe()
        if self.quiet:
            return
        columns = shutil.get_terminal_size().columns
        self._write("".join(f"{line}\n" for line in terminal.summary(self.run, columns)))

    def _write(self, text: str) -> None:
        try:
            self.out.write(text)
            self.out.flush()
        except (OSError, ValueError, UnicodeEncodeError):  # nobody looks: the build goes on
            self.quiet, self.live = True, False


def asked_for(pipeline: Pipeline, selection: Selection, *, quiet: bool = False) -> Show:
    """One that tells of the tasks that are asked for, and of no others."""
    asked = chosen(pipeline, selection).tasks
    return Show([name for name in pipeline.tasks if name in asked], quiet=quiet)


def encodes(out: TextIO) -> bool:
    """Whether it can show the marks."""
    try:
        "".join((*terminal.MARKS.values(), *terminal.BAR)).encode(
            getattr(out, "encoding", None) or "ascii"
        )
    except (UnicodeEncodeError, LookupError):
        return False
    return True
