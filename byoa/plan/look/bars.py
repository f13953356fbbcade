"""One line that tells how far something is: a bar, per cent, the time; as long as there is room."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from byoa.plan.pipeline.report.terminal import BAR, cut, spent, width

WIDEST, NARROWEST = 24, 8
#: Seconds over which a rate is measured: a line that falters is seen, a hiccup is not.
WINDOW = 10.0
#: Nothing is foretold before so many seconds.
LEAST = 2.0


@dataclass
class Rate:
    """How much is done a second, of the last ones."""

    seen: deque[tuple[float, float]] = field(default_factory=deque)

    def add(self, now: float, done: float) -> None:
        self.seen.append((now, done))
        while len(self.seen) > 2 and self.seen[1][0] <= now - WINDOW:
            self.seen.popleft()

    def at(self, now: float) -> float:
        """What is done a second; 0 while too little was seen."""
        if not self.seen:
            return 0.0
        begun, first = self.seen[0]
        seconds = now - begun
        return (self.seen[-1][1] - first) / seconds if seconds >= 0.5 else 0.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """How far it is. Without a part that is done there is no bar: only what, notes and time."""

    what: str
    part: float | None = None  #: 0 … 1
    notes: tuple[str, ...] = ()  #: the first ones are the last to go when there is no room
    seconds: float | None = None
    left: float | None = None


def line(bar: Bar, columns: int = 80, poor: bool = False) -> str:
    """The bar on fewer than so many columns: what does not fit is left out, the drawing first."""
    percent = "" if bar.part is None else f"{100 * min(1.0, max(0.0, bar.part)):3.0f} %"
    for what, notes, time in shorter(bar, columns):
        text = joined(what, percent, *notes, time)
        drawn = "" if bar.part is None else picture(bar.part, columns - width(text) - 3, poor)
        if width(text) < columns and (drawn or not percent or columns < 40):
            return joined(what, drawn, percent, *notes, time)
    return cut(joined(bar.what, percent), columns)


def shorter(bar: Bar, columns: int) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """What is told, from all of it to hardly anything: the last note goes first."""
    long, short = times(bar.seconds, bar.left), times(bar.seconds, None)
    for what in (bar.what, cut(bar.what, max(columns // 2, 12))):
        for time, least in ((long, min(1, len(bar.notes))), (short, 0), ("", 0)):
            for count in range(len(bar.notes), least - 1, -1):
                yield what, bar.notes[:count], time


def joined(*words: str) -> str:
    return "  ".join(word for word in words if word)


def picture(part: float, room: int, poor: bool = False) -> str:
    """The bar itself; "" where there is no room for one."""
    wide = min(WIDEST, room)
    if wide < NARROWEST:
        return ""
    full, empty = tuple(BAR[poor])
    filled = int(wide * min(1.0, max(0.0, part)))
    return full * filled + empty * (wide - filled)


def times(seconds: float | None, left: float | None) -> str:
    """1m05s, 7m left."""
    if seconds is None:
        return ""
    said = whole(seconds)
    if left is not None and seconds >= LEAST:
        said += f", {rough(left)} left"
    return said


def whole(seconds: float) -> str:
    """A time that goes on, without tenths: 5s, 2m05s, 1h02m."""
    return f"{seconds:.0f}s" if seconds < 59.5 else spent(max(60, round(seconds)))


def rough(seconds: float) -> str:
    """A time that is foretold: 80s, 7m, 3h."""
    for least, unit, name in ((5400.0, 3600, "h"), (90.0, 60, "m")):
        if seconds >= least:
            return f"{seconds / unit:.0f}{name}"
    return f"{seconds:.0f}s"


def size(count: float) -> str:
    """Bytes for a reader: 1.5 MB."""
    for unit in ("B", "KB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1000
    return f"{count:.3g} GB"
