"""An execution's states as lines for a terminal, and as news for a file or a pipe."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from byoa.plan.workflow.history import StateProgress
from byoa.plan.workflow.picture.words import plain as in_plain
from byoa.plan.workflow.work import Work
from byoa.screen import wants_colours

#: One sign a status, and what stands for it where the terminal has no such letters.
MARKS = {
    "waiting": "·.", "running": "▶>", "succeeded": "✓+", "failed": "✗x", "caught": "!!",
    "aborted": "■#", "timed out": "⧖t",
}  # fmt: skip
#: The terminal's own colours, by status.
COLOURS = {
    "running": 34, "succeeded": 32, "failed": 31, "caught": 33, "aborted": 90, "timed out": 35,
}  # fmt: skip
UP_AND_CLEAR = "\x1b[{}F\x1b[J"


def spent(seconds: float) -> str:
    """A time for a reader: 4.2s, 2m05s, 1h02m."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def notes(state: StateProgress, work: Work | None) -> str:
    """What else there is to say: how often, tries, the job, the error."""
    said = [f"{state.runs} times" if state.runs > 1 else ""]
    said += [f"{state.running} running" if state.running > 1 else ""]
    said += [f"{state.failed} failed" if state.failed and state.runs > 1 else ""]
    said += [f"{state.retries} retr{'ies' if state.retries > 1 else 'y'}" if state.retries else ""]
    said += [f"{work.kind} {work.name}" if work else ""]
    said += [state.error if state.status in ("failed", "caught", "timed out") else ""]
    return in_plain(", ".join(word for word in said if word))


def lines(
    states: Mapping[str, StateProgress], works: Mapping[str, Work], plain: bool = False
) -> Iterator[str]:
    """One line a state, in the order in which they began."""
    width = max(map(len, states), default=0)
    for name, state in states.items():
        mark = MARKS.get(state.status, "??")[1 if plain else 0]
        said = notes(state, works.get(name))
        line = f"{mark} {in_plain(name):<{width}}  {spent(state.seconds):>7}  {said}"
        yield line.rstrip()


def coloured(line: str) -> str:
    """The line with its first sign in its status's colour."""
    colours = (COLOURS.get(status, 0) for status, signs in MARKS.items() if line[:1] in signs)
    colour = next(colours, 0) if line[1:2] == " " else 0
    return f"\x1b[{colour}m{line[0]}\x1b[0m{line[1:]}" if colour else line


class Screen:
    """Lines that are drawn over the last ones; what does not fit a line or the screen is cut."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.drawn = 0
        encoding = getattr(self.out, "encoding", None) or "ascii"
        self.plain = not encodes("".join(MARKS.values()), encoding)

    def draw(self, found: list[str]) -> None:
        columns, rows = shutil.get_terminal_size()
        shown = [line if len(line) < columns else f"{line[: columns - 2]}…" for line in found]
        paint = coloured if wants_colours() else str
        shown = [paint(line) for line in shown[-max(rows - 1, 1) :]]
        back = UP_AND_CLEAR.format(self.drawn) if self.drawn else ""
        self.out.write(back + "".join(f"{line}\n" for line in shown))
        self.out.flush()
        self.drawn = len(shown)


class News:
    """A line for each state that changes, in the order of time: for pipes and files."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[object, ...]] = {}

    def of(self, states: Mapping[str, StateProgress], works: Mapping[str, Work]) -> Iterator[str]:
        for name, state in states.items():
            work = works.get(name)
            now = (state.status, state.runs, state.retries, work)
            if self.told.get(name) == now:
                continue
            self.told[name] = now
            when = "" if state.status == "running" else f" after {spent(state.seconds)}"
            said = notes(state, work)
            yield f"{in_plain(name)}: {state.status}{when}{f' ({said})' if said else ''}"


def encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
