"""Tables of tasks, sortable where a script may run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from byoa.plan.pipeline.report.groups import Group, groups
from byoa.plan.pipeline.report.markup import duration, figure, megabytes, plain, shown, text
from byoa.plan.pipeline.report.plots import best, metrics, values_of, varying
from byoa.plan.pipeline.report.scales import is_number
from byoa.plan.pipeline.report.seen import SIGNS, Seen, View, word

#: Groups of more tasks than this are closed when the page opens, where nothing failed.
OPEN = 100
#: A table of more rows than this is closed, come what may.
ROWS = 300
REASONS = 3
NUMERIC = ' class="n"'


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, as HTML, and the number by which it is sorted."""

    html: str
    value: float | None = None
    sort: str = ""


def address(name: str) -> str:
    """Where a task's row is on the page."""
    return f"#t-{quote(plain(name), safe='')}"


def chip(status: str, attempts: int = 1) -> str:
    sign, said = SIGNS[status]
    again = f' <small title="attempts">×{attempts}</small>' if attempts > 1 else ""
    return f'<span class="chip c-{status}" title="{said}">{sign} {word(status)}</span>{again}'


def moment(at: float | None) -> Cell:
    if at is None:
        return Cell("")
    try:
        said = datetime.fromtimestamp(at, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return Cell("")
    return Cell(f"{said:%Y-%m-%d %H:%M}", at, "when")


def quantity(value: float, said: str) -> Cell:
    return Cell(said, value, "n") if value else Cell("", None, "n")


def table(
    heads: Sequence[str], rows: Iterable[tuple[Seen, Sequence[Cell]]], label: str, ids: bool = True
) -> str:
    """Rows of tasks; the first cell names the row. Columns that hold nothing are left out."""
    found = list(rows)
    full = [at for at in range(len(heads)) if any(cells[at].html for _, cells in found)]
    numeric = {at for at in full if any(cells[at].sort == "n" for _, cells in found)}
    body = "".join(_row(seen, [cells[at] for at in full], ids) for seen, cells in found)
    head = "".join(
        f'<th scope="col"{NUMERIC * (at in numeric)}>{text(heads[at])}</th>' for at in full
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">'
        f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row(seen: Seen, cells: Sequence[Cell], ids: bool) -> str:
    name = f' id="t-{text(seen.name)}"' if ids else ""
    first, *rest = cells
    inside = "".join(_cell(cell) for cell in rest)
    return f'<tr{name} data-s="{seen.status}"><th scope="row">{first.html}</th>{inside}</tr>'


def _cell(cell: Cell) -> str:
    value = f' data-v="{cell.value!r}"' if cell.value is not None else ""
    sort = f' class="{cell.sort}"' if cell.sort else ""
    return f"<td{sort}{value}>{cell.html}</td>"


def tasks(view: View) -> str:
    """Every task, group by group; large groups are folded."""
    made = []
    for group in _sections(view):
        counts = view.counts(group.tasks)
        wide = len(group.tasks) <= (ROWS if "failed" in counts else OPEN)
        chips = " ".join(
            f"{chip(status)}&thinsp;{figure(count)}" for status, count in counts.items()
        )
        rows = ((view.tasks[name], _facts(view.tasks[name])) for name in group.tasks)
        heads = ("task", "status", "why", "kind", "time", "CPU", "memory", "last run", "files")
        inside = table(heads, rows, group.said)
        many = f"{figure(len(group.tasks))} task{'s' * (len(group.tasks) > 1)}"
        made.append(
            f"<details{' open' * wide}><summary><b>{text(group.said)}</b> "
            f'<span class="soft">{many}</span> {chips}</summary>{inside}</details>'
        )
    return "".join(made)


def _sections(view: View) -> Iterator[Group]:
    """The groups, tasks of their own under one roof."""
    own: list[str] = []
    found = groups({name: seen.task for name, seen in view.tasks.items()})
    for group in found:
        if group.is_one:
            own += group.tasks
    if own:
        yield Group("Tasks", tuple(own))
    yield from (group for group in found if not group.is_one)


def _facts(seen: Seen) -> list[Cell]:
    return [
        Cell(text(seen.name)),
        Cell(chip(seen.status, seen.attempts)),
        Cell(_why(seen), None, "why"),
        Cell(text(seen.task.kind)),
        *times(seen),
        quantity(seen.peak_mb, megabytes(seen.peak_mb)),
        moment(seen.last),
        Cell(links(seen)),
    ]


def times(seen: Seen) -> list[Cell]:
    return [
        quantity(seen.seconds, duration(seen.seconds)),
        quantity(seen.cpu_seconds, duration(seen.cpu_seconds)),
    ]


def _why(seen: Seen) -> str:
    said = [seen.error] if seen.error else list(seen.reasons[:REASONS])
    more = len(seen.reasons) - REASONS
    said += [f"and {more} more"] if more > 0 and not seen.error else []
    return "<br>".join(text(one) for one in said)


def links(seen: Seen) -> str:
    return " ".join(f'<a href="{text(link.href)}">{text(link.said)}</a>' for link in seen.links)


def family_table(family: Sequence[Seen], ids: bool = False) -> str:
    """A grid: what varies, what came out, the best of each column marked."""
    keys, names = list(varying(family)), metrics(family)
    stars = {name: best(family, name) for name in names}
    heads = ["task", *keys, *names, "status", "time", "CPU", "memory", "files"]
    rows = ((seen, _point(seen, keys, names, stars, ids)) for seen in family)
    made = table(heads, rows, "grid", ids)
    if len(family) <= ROWS:
        return made
    return f"<details><summary>{figure(len(family))} tasks in a table</summary>{made}</details>"


def _point(
    seen: Seen,
    keys: Sequence[str],
    names: Sequence[str],
    stars: dict[str, Seen | None],
    ids: bool,
) -> list[Cell]:
    name = text(seen.name) if ids else f'<a href="{text(address(seen.name))}">{text(seen.name)}</a>'
    return [
        Cell(name),
        *(_value(values_of(seen).get(key)) for key in keys),
        *(_metric(seen, name, stars[name]) for name in names),
        Cell(chip(seen.status, seen.attempts)),
        *times(seen),
        quantity(seen.peak_mb, megabytes(seen.peak_mb)),
        Cell(links(seen)),
    ]


def _value(value: Any) -> Cell:
    if is_number(value):
        return Cell(shown(value), float(value), "n")
    return Cell("" if value is None else text(shown(value)))


def _metric(seen: Seen, name: str, star: Seen | None) -> Cell:
    value = seen.metrics.get(name)
    if not is_number(value) or value is None:
        return Cell("", None, "n")
    top = star is not None and value == star.metrics[name]
    said = figure(value)
    return Cell(f'<b title="the best">★&thinsp;{said}</b>' if top else said, value, "n")
