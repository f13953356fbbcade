"""A metric against a parameter, as SVG: numbers on an axis, words side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan.pipeline.report.graph import Address
from byoa.plan.pipeline.report.markup import figure, number, shown, text
from byoa.plan.pipeline.report.scales import Scale, is_number, mean, median, scale
from byoa.plan.pipeline.report.seen import Seen
from byoa.plan.pipeline.report.style import SERIES
from byoa.plan.workflow.picture import words

WIDE, HIGH = 288.0, 216.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 34.0
SMALL = 10.5
#: More words than this do not fit side by side; so few numbers are ticks themselves.
WORDS, TICKS = 12, 7
DOT, SMALL_DOT = 4.2, 2.4
#: From so many dots on they are small.
MANY = 150


@dataclass(frozen=True)
class Point:
    """One task: its value of the parameter, of the metric, and the group that colours it."""

    seen: Seen
    x: Any
    y: float
    group: str


def varying(family: Sequence[Seen]) -> dict[str, list[Any]]:
    """The grid's parameters that have more than one value, with these in their order."""
    found: dict[str, dict[str, Any]] = {}
    for seen in family:
        for key, value in values_of(seen).items():
            found.setdefault(key, {}).setdefault(shown(value), value)
    held = Counter(key for seen in family for key in values_of(seen))
    return {
        key: list(values.values())
        for key, values in found.items()
        if len(values) > 1 or held[key] < len(family)
    }


def values_of(seen: Seen) -> Mapping[str, Any]:
    """What sets a task of a grid apart."""
    return seen.task.point or seen.task.params


def metrics(family: Sequence[Seen]) -> list[str]:
    """Every metric's name, in the order of their coming."""
    return list(dict.fromkeys(key for seen in family for key in seen.metrics))


def plot(
    family: Sequence[Seen],
    key: str,
    metric: str,
    colour: str | None = None,
    address: Address | None = None,
) -> str:
    """One picture; "" where the metric has no number or the parameter too many words."""
    points = [
        Point(seen, values_of(seen).get(key), seen.metrics[metric], _group(seen, colour))
        for seen in family
        if is_number(seen.metrics.get(metric)) and key in values_of(seen)
    ]
    if not points:
        return ""
    values = [point.x for point in points]
    numeric = all(is_number(value) for value in values)
    names = list(dict.fromkeys(shown(value) for value in values))
    if not numeric and len(names) > WORDS:
        return ""
    # Of all tasks, so that pictures of one metric can be compared side by side.
    found = [value for seen in family if is_number(value := seen.metrics.get(metric, math.nan))]
    y = scale(found, HIGH - BOTTOM, TOP, log=False)
    x = scale([float(v) for v in values], LEFT + 8, WIDE - RIGHT - 4) if numeric else None
    groups = list(dict.fromkeys(point.group for point in points))
    parts = [*_values(y), *(_numbers(x, values) if x else _names(names)), *_axes(key, metric)]
    if x:
        parts += _means(points, x, y, groups)
    else:
        parts += _medians(points, names, y)
    across, r = _across(points, x, names), SMALL_DOT if len(points) > MANY else DOT
    parts += (
        _dot(point, at, y.at(point.y), groups.index(point.group), address, r)
        for point, at in zip(points, across)
    )
    said = text(f"{metric} against {key}")
    return (
        f'<svg class="chart" role="group" aria-label="{said}" viewBox="0 0 {WIDE:g} {HIGH:g}" '
        f'width="{WIDE:g}" height="{HIGH:g}">{"".join(parts)}</svg>'
    )


def colouring(family: Sequence[Seen], key: str) -> str | None:
    """The parameter whose few values colour the points: the one with the fewest, but `key`."""
    here = [seen for seen in family if key in values_of(seen)]
    found = [
        (all(is_number(value) for value in values), len(values), name)
        for name, values in varying(here).items()
        if name != key and len(values) <= SERIES and all(name in values_of(one) for one in here)
    ]
    return min(found)[2] if found else None


def legend(family: Sequence[Seen], colour: str | None) -> str:
    """What the colours and shapes mean."""
    if colour is None:
        return ""
    names = dict.fromkeys(_group(seen, colour) for seen in family if colour in values_of(seen))
    items = (
        f'<li><svg class="mark" viewBox="-6 -6 12 12" width="12" height="12" aria-hidden="true">'
        f"{_mark(0, 0, place)}</svg>{text(name)}</li>"
        for place, name in enumerate(names)
    )
    return f'<ul class="series"><li class="soft">{text(colour)}</li>{"".join(items)}</ul>'


def _group(seen: Seen, colour: str | None) -> str:
    return shown(values_of(seen).get(colour)) if colour else ""


def _values(y: Scale) -> Iterator[str]:
    for tick in y.ticks(5):
        at = number(y.at(tick))
        yield f'<path class="grid" d="M{LEFT:g} {at}H{WIDE - RIGHT:g}"/>'
        yield f'<text class="tick" x="{LEFT - 6:g}" y="{at}" dy="3.5" text-anchor="end">'
        yield f"{figure(tick)}</text>"


def _numbers(x: Scale, values: Sequence[Any]) -> Iterator[str]:
    own = sorted({float(value) for value in values})
    room = (WIDE - LEFT - RIGHT) / 34
    apart = all(x.at(b) - x.at(a) > 26 for a, b in zip(own, own[1:]))
    for tick in own if len(own) <= min(TICKS, room) and apart else x.ticks(5):
        yield _below(x.at(tick), figure(tick))


def _names(names: Sequence[str]) -> Iterator[str]:
    step = (WIDE - LEFT - RIGHT) / len(names)
    for place, name in enumerate(names):
        row = words.lines(name, step - 4, 1, SMALL)[0]
        yield _below(LEFT + (place + 0.5) * step, row, name)


def _below(x: float, said: str, full: str = "") -> str:
    tip = f"<title>{text(full)}</title>" if full and full != said else ""
    return (
        f'<text class="tick" x="{number(x)}" y="{HIGH - BOTTOM + 14:g}" text-anchor="middle">'
        f"{tip}{text(said)}</text>"
    )


def _axes(key: str, metric: str) -> Iterator[str]:
    bottom = HIGH - BOTTOM
    yield f'<path class="axis" d="M{LEFT:g} {TOP:g}V{bottom:g}H{WIDE - RIGHT:g}"/>'
    middle = (LEFT + WIDE - RIGHT) / 2
    row = words.lines(key, WIDE - LEFT, 1, SMALL)[0]
    yield f'<text class="axis-name" x="{middle:g}" y="{HIGH - 5:g}" text-anchor="middle">'
    yield f"{text(row)}</text>"


def _across(points: Sequence[Point], x: Scale | None, names: Sequence[str]) -> list[float]:
    """Each point's place from left to right; of the same word side by side, in their order."""
    if x:
        return [x.at(float(point.x)) for point in points]
    step = (WIDE - LEFT - RIGHT) / len(names)
    many = Counter(shown(point.x) for point in points)
    seen: Counter[str] = Counter()
    made = []
    for point in points:
        name = shown(point.x)
        spread = (seen[name] + 0.5) / many[name] - 0.5
        seen[name] += 1
        made.append(LEFT + (names.index(name) + 0.5 + spread * 0.55) * step)
    return made


def _means(points: Sequence[Point], x: Scale, y: Scale, groups: Sequence[str]) -> Iterator[str]:
    """A line a colour through the means, where it has more than one value."""
    for place, group in enumerate(groups):
        at: dict[float, list[float]] = {}
        for point in points:
            if point.group == group:
                at.setdefault(float(point.x), []).append(point.y)
        if len(at) > 1:
            way = "L".join(
                f"{number(x.at(value))} {number(y.at(mean(at[value])))}" for value in sorted(at)
            )
            yield f'<path class="mean k{place % SERIES}" d="M{way}"/>'


def _medians(points: Sequence[Point], names: Sequence[str], y: Scale) -> Iterator[str]:
    step = (WIDE - LEFT - RIGHT) / len(names)
    for place, name in enumerate(names):
        found = [point.y for point in points if shown(point.x) == name]
        if len(found) > 1:
            left, at = number(LEFT + (place + 0.18) * step), number(y.at(median(found)))
            tip = f"<title>median {figure(median(found))}</title>"
            yield f'<path class="median" d="M{left} {at}h{number(step * 0.64)}">{tip}</path>'


def _dot(point: Point, x: float, y: float, place: int, address: Address | None, r: float) -> str:
    tip = f"<title>{text(point.seen.name)}: {figure(point.y)}</title>"
    inside = tip + _mark(x, y, place, r)
    if address:
        return f'<a href="{text(address(point.seen.name))}">{inside}</a>'
    return f"<g>{inside}</g>"


def _mark(x: float, y: float, place: int, r: float = DOT) -> str:
    """Each group a colour and a shape: neither alone has to tell them apart."""
    sort = f'class="dot k{place % SERIES}"'
    shape = place % 4
    if shape == 0:
        return f'<circle {sort} cx="{number(x)}" cy="{number(y)}" r="{r:g}"/>'
    path = {
        1: f"M{number(x - r)} {number(y - r)}h{2 * r:g}v{2 * r:g}h{-2 * r:g}z",
        2: f"M{number(x)} {number(y - r - 1)}l{r + 1:g} {2 * r:g}h{-2 * r - 2:g}z",
        3: f"M{number(x)} {number(y - r - 1)}l{r + 1:g} {r + 1:g}l{-r - 1:g} {r + 1:g}"
        f"l{-r - 1:g} {-r - 1:g}z",
    }[shape]
    return f'<path {sort} d="{path}"/>'


def direction(metric: str) -> str:
    """max or min where a metric's name says what is better, else ""."""
    words_ = set(metric.lower().replace("-", "_").replace(" ", "_").split("_"))
    low = {"loss", "error", "err", "rmse", "mse", "mae", "mape", "perplexity", "seconds", "time",
           "latency", "mb", "bytes", "size", "logloss", "deviance", "fpr", "fnr"}  # fmt: skip
    high = {"accuracy", "acc", "f1", "auc", "score", "precision", "recall", "map", "map50", "r2",
            "iou", "dice", "ap", "ap50", "mar", "mcc", "kappa", "throughput", "roc"}  # fmt: skip
    if {"per"} <= words_ and words_ & {"second", "s", "minute", "hour"}:
        return "max"  # images_per_second: a speed
    return "min" if words_ & low else "max" if words_ & high else ""


def best(family: Sequence[Seen], metric: str, mode: str = "") -> Seen | None:
    """The task with the best figure; None where nothing says what is better, or nobody has one."""
    mode = mode or direction(metric)
    found = [seen for seen in family if is_number(seen.metrics.get(metric))]
    if not found or mode not in ("min", "max"):
        return None
    return (min if mode == "min" else max)(found, key=lambda seen: seen.metrics[metric])
