"""Rows of a project as a table as wide as the terminal, as a line for one job, as data."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from byoa.cli.status_rows import Row
from byoa.plan.look import bars, colours
from byoa.plan.look.training import figures
from byoa.plan.names import task_of
from byoa.plan.pipeline.report.terminal import cut, table, width
from byoa.screen import has_colours, is_poor, size

HEADS = ("NAME", "KIND", "STATUS", "TIME", "PROGRESS", "USD", "JOB")
#: Columns that a narrow terminal goes without, the first of them first.
SPARE = ("JOB", "KIND", "USD")
#: Of the live table, the drawn bar's letters.
BAR = 8


def lines(
    found: Sequence[Row], columns: int = 10_000, live: bool = False, coloured: bool = False
) -> list[str]:
    """The table; what has no value in any row has no column."""
    rows = [cells(row, live) for row in found]
    used = [at for at in range(len(HEADS)) if at < 4 or any(row[at] for row in rows)]
    for spare in map(HEADS.index, SPARE):
        if natural(rows, used) >= columns and spare in used:
            used.remove(spare)
    heads = [HEADS[at] for at in used]
    right = [place for place, at in enumerate(used) if HEADS[at] in ("TIME", "USD")]
    head, _, *body = table(heads, [[row[at] for at in used] for row in rows], columns - 1, right)
    if coloured:
        body = [painted(line, row.status) for line, row in zip(body, found)]
    return [cut(head, columns), *body]


def natural(rows: Sequence[Sequence[str]], used: Sequence[int]) -> int:
    """How wide those columns are; a long one may be cut to this."""
    wides = (max(width(row[at]) for row in (HEADS, *rows)) for at in used)
    return sum(min(wide, 32) for wide in wides) + 2 * (len(used) - 1)


def fitting(found: Sequence[Row], columns: int) -> list[str]:
    """The live table of now: of too many rows for the terminal, those that go on come first."""
    room = max(1, size()[1] - 3)
    shown = sorted(found, key=lambda row: not row.goes_on)[:room] if len(found) > room else found
    more = len(found) - len(shown)
    said = lines(shown, columns, live=True, coloured=has_colours(sys.stderr))
    return [*said, *([cut(f"… {more} more", columns)] if more else [])]


def painted(line: str, status: str) -> str:
    """The status in its colour, unless the table had to cut it."""
    return line.replace(f"  {status}", f"  {colours.status(status)}", 1)


def cells(row: Row, live: bool) -> tuple[str, ...]:
    usd = "" if row.usd is None else f"{row.usd:.2f}"
    served = row.kind == "endpoint"
    return (
        row.name if served else row.task or task_of(row.name),
        *(row.kind, row.status, bars.whole(row.seconds), progress(row, live), usd),
        "" if served else row.name,
    )


def progress(row: Row, live: bool) -> str:
    """38 %, epoch 2/5, loss 0.51; of a job that has ended its figures, or why it failed."""
    if row.reason:
        return row.reason.split("\n")[0]
    if not row.goes_on:
        return ", ".join(figures({**row.course.figures, **row.metrics}))
    part = row.course.part
    said = list(row.course.notes(row.metrics))
    if part is not None:
        drawn = bars.picture(part, BAR, is_poor(sys.stderr)) + " " if live else ""
        said.insert(0, f"{drawn}{100 * part:.0f} %")
    left = row.course.remaining(time.time())
    return ", ".join([*said, *([f"{bars.rough(left)} left"] if left is not None else [])])


def job_bar(row: Row, columns: int) -> str:
    """One job as a bar."""
    shown = bars.Bar(
        what=f"{row.task or task_of(row.name)}  {row.status}",
        part=row.course.part if row.goes_on else None,
        notes=row.course.notes(row.metrics), seconds=row.seconds,
        left=row.course.remaining(time.time()) if row.goes_on else None,
    )  # fmt: skip
    return bars.line(shown, columns, is_poor(sys.stderr))


def as_data(row: Row) -> dict[str, Any]:
    """A row for programs: JSON has no NaN."""
    known = {**row.course.figures, **row.metrics}
    part = row.course.part if row.goes_on else None
    return {
        "kind": row.kind,
        "name": row.name,
        "task": row.task or None,
        "status": row.status,
        "seconds": round(row.seconds),
        "progress": None if part is None else round(part, 4),
        "metrics": {name: value for name, value in known.items() if math.isfinite(value)},
        "usd": None if row.usd is None else round(row.usd, 4),
        "reason": row.reason or None,
    }
