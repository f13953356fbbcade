"""Which parameters of a grid a metric follows, and the two that it follows most as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from byoa.plan.pipeline.report.markup import figure, number, shown, text
from byoa.plan.pipeline.report.plots import SMALL, direction, values_of, varying
from byoa.plan.pipeline.report.scales import is_number, mean
from byoa.plan.pipeline.report.seen import Seen
from byoa.plan.workflow.picture import words

WIDE, CELL_HIGH, LEFT, TOP, BOTTOM = 288.0, 26.0, 84.0, 6.0, 36.0
#: More values than this are not squeezed into a picture.
ACROSS, DOWN = 9, 12


def influence(family: Sequence[Seen], key: str, metric: str) -> float | None:
    """The part of a metric's variance that lies between the parameter's values, from 0 to 1.

    None where each value stands for one task: then it would be 1 whatever the parameter.
    """
    found: dict[str, list[float]] = {}
    for seen in family:
        value = seen.metrics.get(metric)
        if key in values_of(seen) and is_number(value) and value is not None:
            found.setdefault(shown(values_of(seen)[key]), []).append(value)
    every = [value for values in found.values() for value in values]
    if len(found) < 2 or len(every) < 2 * len(found):
        return None
    whole = scale_free(every)
    total = sum(whole[value] ** 2 for value in every)
    if not total:
        return None
    between = sum(
        len(values) * mean([whole[value] for value in values]) ** 2 for values in found.values()
    )
    return min(1.0, between / total)


def scale_free(values: Sequence[float]) -> dict[float, float]:
    """Each value's distance from their mean, in units of the largest: no square overflows."""
    middle = mean(values)
    most = max(abs(value / 2 - middle / 2) for value in values) or 1.0
    return {value: (value / 2 - middle / 2) / most for value in values}


def by_influence(family: Sequence[Seen], metric: str) -> list[tuple[str, float | None]]:
    """The grid's parameters, the most telling one first; those of which nothing is known last."""
    found = [(key, influence(family, key, metric)) for key in varying(family)]
    return sorted(found, key=lambda pair: -1.0 if pair[1] is None else -pair[1])


def pair_of(family: Sequence[Seen], metric: str) -> tuple[str, str] | None:
    """The two parameters whose picture is worth drawing; the first one goes down."""
    values = varying(family)
    keys = [
        key
        for key, part in by_influence(family, metric)
        if part is not None
        and len(values[key]) <= DOWN
        and all(key in values_of(seen) for seen in family)
    ][:2]
    if len(keys) < 2:
        return None
    # Alike for every metric, so that pictures can be compared.
    down, across = sorted(keys, key=list(values).index)
    if len(values[across]) > ACROSS:
        down, across = across, down
    return (down, across) if len(values[across]) <= ACROSS else None


def heat(family: Sequence[Seen], metric: str) -> str:
    """The metric's mean for each pair of values, the better the stronger; "" where none is told."""
    pair = pair_of(family, metric)
    if pair is None:
        return ""
    down, across = pair
    cells: dict[tuple[str, str], list[float]] = {}
    for seen in family:
        here, value = values_of(seen), seen.metrics.get(metric)
        if down in here and across in here and is_number(value) and value is not None:
            cells.setdefault((shown(here[down]), shown(here[across])), []).append(value)
    rows, columns = (ordered(family, key, {ends[at] for ends in cells}) for at, key in
                     enumerate(pair))  # fmt: skip
    if len(rows) < 2 or len(columns) < 2 or len(cells) * 2 < len(rows) * len(columns):
        return ""
    return _drawn(metric, pair, rows, columns, {ends: mean(found) for ends, found in cells.items()})


def ordered(family: Sequence[Seen], key: str, names: set[str]) -> list[str]:
    """Numbers by size, words as they come."""
    values: list[Any] = varying(family).get(key, [])
    if all(is_number(value) for value in values):
        values = sorted(values)
    return [shown(value) for value in values if shown(value) in names]


def _drawn(
    metric: str,
    pair: tuple[str, str],
    rows: Sequence[str],
    columns: Sequence[str],
    means: dict[tuple[str, str], float],
) -> str:
    step = (WIDE - LEFT) / len(columns)
    high = TOP + len(rows) * CELL_HIGH + BOTTOM
    low, top = min(means.values()), max(means.values())
    parts = []
    for row, down in enumerate(rows):
        y = TOP + row * CELL_HIGH
        said = words.lines(down, LEFT - 12, 1, SMALL)[0]
        parts.append(_label(said, LEFT - 6, y + CELL_HIGH / 2, "end", down))
        for column, across in enumerate(columns):
            if (down, across) not in means:
                continue
            value = means[down, across]
            part = (value / 2 - low / 2) / (top / 2 - low / 2) if top > low else 0.5
            strong = 1 - part if direction(metric) == "min" else part
            x = LEFT + column * step
            tip = f"{pair[0]} {down}, {pair[1]} {across}: {figure(value)}"
            parts.append(
                f'<g><title>{text(tip)}</title><rect class="heat" x="{number(x + 1)}" '
                f'y="{number(y + 1)}" width="{number(step - 2)}" height="{CELL_HIGH - 2:g}" rx="3" '
                f'fill-opacity="{0.06 + 0.6 * strong:.2f}"/>'
            )
            if told := short(value, step - 2):
                parts.append(_label(told, x + step / 2, y + CELL_HIGH / 2, "middle", sort="figure"))
            parts.append("</g>")
    bottom = TOP + len(rows) * CELL_HIGH
    for column, across in enumerate(columns):
        said = words.lines(across, step - 2, 1, SMALL)[0]
        parts.append(_label(said, LEFT + (column + 0.5) * step, bottom + 9, "middle", across))
    name = words.lines(f"{pair[0]} ↓  {pair[1]} →", WIDE, 1, SMALL)[0]
    parts.append(_label(name, LEFT + (WIDE - LEFT) / 2, high - 8, "middle", sort="axis-name"))
    said = text(f"{metric} by {pair[0]} and {pair[1]}")
    return (
        f'<svg class="chart" role="img" aria-label="{said}" viewBox="0 0 {WIDE:g} {number(high)}" '
        f'width="{WIDE:g}" height="{number(high)}">{"".join(parts)}</svg>'
    )


def short(value: float, wide: float) -> str:
    """The number with as many figures as there is room for."""
    told = (figure(value), f"{value:.3g}", f"{value:.2g}", f"{value:.1g}")
    return next((said for said in told if words.width(said, SMALL) < wide), "")


def _label(said: str, x: float, y: float, anchor: str, full: str = "", sort: str = "tick") -> str:
    tip = f"<title>{text(full)}</title>" if full and full != said else ""
    return (
        f'<text class="{sort}" x="{number(x)}" y="{number(y)}" dy="3.5" '
        f'text-anchor="{anchor}">{tip}{text(said)}</text>'
    )
