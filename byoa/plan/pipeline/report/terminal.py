"""A run's lines for a terminal and for a pipe, and the table at its end."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from byoa.plan.pipeline.report.ran import (
    CANCELLED,
    DONE,
    FAILED,
    KEPT,
    RUNNING,
    SKIPPED,
    STATUSES,
    WAITING,
    Ran,
    Run,
)
from byoa.plan.workflow.picture.words import plain as one_line

#: One sign a status, and what stands for it where the terminal has no such letters.
MARKS = {
    WAITING: "·.", RUNNING: "▶>", DONE: "✓+", KEPT: "=", FAILED: "✗x", SKIPPED: "↷!",
    CANCELLED: "■#",
}  # fmt: skip
COLOURS = {RUNNING: 34, DONE: 32, FAILED: 31, SKIPPED: 33, CANCELLED: 90, KEPT: 90, WAITING: 90}
WORDS = {KEPT: "up to date"}
BAR = ("█░", "#.")
BAR_WIDE = 24
#: Of an error, so much is told in a line; the log has all.
LONGEST = 500
#: What goes on for fewer seconds is soon over anyhow.
LEAST = 5.0
#: Tasks that are done stand in the live table while there is room for so many of the last ones.
RECENT = 8


def spent(seconds: float) -> str:
    """A time for a reader: 0.25s, 4.2s, 2m05s, 1h02m."""
    if seconds < 0.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def counts(run: Run) -> str:
    """1 failed, 2 running, 30 done of 40."""
    order = (FAILED, RUNNING, DONE, KEPT, SKIPPED, CANCELLED, WAITING)
    return (
        ", ".join(f"{run.counts[one]} {WORDS.get(one, one)}" for one in order if run.counts[one])
        or "no tasks"
    )


def live(run: Run, now: float, columns: int = 80, rows: int = 24, poor: bool = False) -> list[str]:
    """The table that is redrawn while it goes on: failures, what is at work, what ended last."""
    head = heading(run, now, poor)
    room = max(rows - 2, 3)
    failed = list(run.with_status(FAILED).items())
    running = sorted(run.with_status(RUNNING).items(), key=lambda pair: pair[1].started or 0)
    ended = sorted(run.with_status(DONE).items(), key=lambda pair: _end(pair[1]))
    failed = failed[-max(room // 3, 1) :]
    running = running[: max(room - len(failed), 1)]
    left = min(room - len(failed) - len(running), RECENT)
    ended = ended[-left:] if left > 0 else []
    shown = [*failed, *ended, *running]
    wide = min(max((width(name) for name, _ in shown), default=0), max(columns // 2, 12))
    lines = [head, *(_line(name, ran, now, wide, poor) for name, ran in shown)]
    return [cut(line, columns) for line in lines]


def _end(ran: Ran) -> float:
    return (ran.started or 0.0) + ran.seconds


def heading(run: Run, now: float, poor: bool = False) -> str:
    """A bar of what is over, the counts, the time so far."""
    full, empty = tuple(BAR[poor])
    total = max(len(run.tasks), 1)
    filled = run.over * BAR_WIDE // total
    elapsed = spent(run.seconds(now)) if run.started is not None else ""
    left = run.left(now)
    if left is not None and left >= LEAST:
        elapsed += f", about {spent(round(left)).replace('.0s', 's')} left"
    return f"{full * filled}{empty * (BAR_WIDE - filled)}  {counts(run)}  {elapsed}".rstrip()


def _line(name: str, ran: Ran, now: float, wide: int, poor: bool) -> str:
    going = ran.status == RUNNING and ran.started is not None
    seconds = max(0.0, now - (ran.started or now)) if going else ran.seconds
    mark = MARKS[ran.status][-1 if poor else 0]
    return f"{mark} {padded(name, wide)}  {spent(seconds):>7}  {_notes(ran)}".rstrip()


def _notes(ran: Ran) -> str:
    said = [f"attempt {ran.attempts}" if ran.attempts > 1 else ""]
    said += [f"{ran.peak_mb:.0f} MB" if ran.peak_mb >= 1 and ran.status == DONE else ""]
    said += [_brief(ran.error) if ran.status in (FAILED, RUNNING, CANCELLED) else ""]
    said += [_why(ran.reason) if ran.status in (RUNNING, SKIPPED) and not ran.error else ""]
    return ", ".join(word for word in said if word)


def _brief(error: str) -> str:
    """An error on one line; of a very long one the beginning."""
    return cut(one_line(error[: 4 * LONGEST]), LONGEST)


def _why(reason: str) -> str:
    """The first of several reasons."""
    first, *more = reason.split("; ")
    return one_line(first) + (f" and {len(more)} more" if more else "")


def news(event: Mapping[str, Any], run: Run) -> str | None:
    """A line for what is worth one in a pipe; `run` has taken the event already."""
    name, kind = str(event.get("task", "")), event.get("event")
    if kind == "run-end":
        return f"{counts(run)} in {spent(run.seconds(run.ended or 0.0))}"
    if kind not in ("task-start", "task-end") or name not in run.tasks:
        return None
    ran = run.tasks[name]
    said = _notes(ran)
    tail = f" ({said})" if said else ""
    if kind == "task-start":
        return f"{one_line(name)}: begins{tail}"
    if ran.status == KEPT:
        return None
    if ran.status == WAITING:
        again = _brief(ran.error)
        return f"{one_line(name)}: failed, is tried again{f' ({again})' if again else ''}"
    after = f" after {spent(ran.seconds)}" if ran.seconds else ""
    return f"{one_line(name)}: {ran.status}{after}{tail}"


def summary(run: Run, columns: int = 80, most: int = 40) -> list[str]:
    """The table at the end: name, ran?, elapsed, share. What was kept is one line above `most`."""
    total = sum(ran.seconds for ran in run.tasks.values())
    shown = {name: ran for name, ran in run.tasks.items() if ran.status != KEPT}
    if len(run.tasks) <= most:
        shown = run.tasks
    rows = [
        (one_line(name), _ran_word(ran), *_times(ran, total)) for name, ran in _first(shown, most)
    ]
    said = [f"… {len(shown) - len(rows)} more" if len(shown) > len(rows) else ""]
    said += [f"{run.counts[KEPT]} up to date" if len(shown) < len(run.tasks) else ""]
    found = table(("name", "ran?", "elapsed", "share"), rows, columns, right=(2, 3)) if rows else []
    return found + [line for line in said if line]


def _first(shown: Mapping[str, Ran], most: int) -> list[tuple[str, Ran]]:
    """In the pipeline's order; of too many the failed and the long ones."""
    found = list(shown.items())
    if len(found) <= most:
        return found
    rank = {status: number for number, status in enumerate(STATUSES)}
    worst = sorted(found, key=lambda pair: (rank[pair[1].status] > 0, -pair[1].seconds))[:most]
    chosen = {name for name, _ in worst}
    return [pair for pair in found if pair[0] in chosen]


def _ran_word(ran: Ran) -> str:
    return {DONE: "yes", KEPT: "no: up to date", SKIPPED: "no: skipped"}.get(ran.status, ran.status)


def _times(ran: Ran, total: float) -> tuple[str, str]:
    if not ran.seconds:
        return "", ""
    return spent(ran.seconds), f"{100 * ran.seconds / total:.1f} %"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: int = 80,
    right: Sequence[int] = (),
) -> list[str]:
    """Columns as wide as they need to be; where the screen is too narrow the widest are cut."""
    wides = [max(width(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    while sum(wides) + 2 * (len(wides) - 1) > columns and max(wides) > 8:
        wides[wides.index(max(wides))] -= 1
    lines = [heads, ["-" * wide for wide in wides], *rows]
    return [
        "  ".join(
            padded(cell, wide, at in right) for at, (cell, wide) in enumerate(zip(row, wides))
        ).rstrip()
        for row in lines
    ]


def padded(text: str, wide: int, right: bool = False) -> str:
    """The text on so many columns of a terminal, cut with … where it is longer."""
    text = cut(one_line(text), wide + 1)
    blank = " " * (wide - width(text))
    return blank + text if right else text + blank


def cut(text: str, columns: int) -> str:
    """The text on fewer than so many columns."""
    if width(text) < columns:
        return text
    made, wide = "", 0
    for sign in text:
        wide += width(sign)
        if wide > columns - 2:
            break
        made += sign
    return made + "…"


def width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf":
        return 0
    return 1 + (unicodedata.east_asian_width(sign) in "WF")


def coloured(line: str) -> str:
    """The line with its first sign in its status's colour."""
    found: Iterator[int] = (COLOURS[one] for one, signs in MARKS.items() if line[:1] in signs)
    colour = next(found, 0) if line[1:2] == " " else 0
    return f"\x1b[{colour}m{line[0]}\x1b[0m{line[1:]}" if colour else line
