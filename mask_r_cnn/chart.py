"""Line charts as inline SVG: no script, no network, colours from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

# Small, so that letters stay readable when a phone shrinks the drawing to its width.
_WIDTH, _HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 10, 10, 36
_COLOURS = 6  # --line-0 … --line-5 in the style sheet


def line_chart(title: str, series: Mapping[str, Points], across: str = "epoch") -> str:
    """A figure with one line a series over whole numbers, a legend, and the values as tool tips.

    Values that are not finite are left out; a chart with no value at all is an empty string.
    """
    lines = {name: _finite(points) for name, points in series.items()}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    everything = [point for points in lines.values() for point in points]
    frame = _Frame([x for x, _ in everything], [y for _, y in everything])
    drawn = [
        _line(name, points, index % _COLOURS, frame)
        for index, (name, points) in enumerate(lines.items())
    ]
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(_in_words(title, lines, across))}">'
        f"{frame.axes(across)}{''.join(drawn)}</svg>{_legend(list(lines))}</figure>"
    )


def number(value: float) -> str:
    """A number as short as it can be read: 0.0123, 1.25e-05, 17."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1e-3 or abs(value) >= 1000 else f"{value:.4g}"


class _Frame:
    """Where a value lies in the drawing; its axes have round numbers and start at 0."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.x_ticks = _whole_ticks(min(xs), max(xs))
        self.y_ticks = _ticks(min(0.0, *ys), max(0.0, *ys))
        self.x_low, self.x_high = min(*xs, self.x_ticks[0]), max(*xs, self.x_ticks[-1])
        if self.x_low == self.x_high:
            self.x_low, self.x_high = self.x_low - 1, self.x_high + 1

    def x(self, value: float) -> float:
        """Pixels from the left."""
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        low, high = self.y_ticks[0], self.y_ticks[-1]
        share = (value - low) / (high - low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    def axes(self, across: str) -> str:
        """Grid lines and numbers."""
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        rows = [
            f'<path class="grid" d="M{_LEFT} {self.y(tick)}H{right}"/>'
            f'<text x="{_LEFT - 6}" y="{self.y(tick) + 4}" text-anchor="end">{number(tick)}</text>'
            for tick in self.y_ticks
        ]
        columns = [
            f'<text x="{self.x(tick)}" y="{bottom + 15}" text-anchor="middle">{number(tick)}</text>'
            for tick in self.x_ticks
        ]
        middle = (_LEFT + right) / 2
        name = f'<text x="{middle}" y="{_HEIGHT - 3}" text-anchor="middle">{escape(across)}</text>'
        return "".join(rows + columns) + name


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _line(name: str, points: Points, colour: int, frame: _Frame) -> str:
    path = " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in points)
    radius = 2.5 if len(points) <= 60 else 1  # every point carries its tool tip
    dots = [
        f'<circle cx="{frame.x(x)}" cy="{frame.y(y)}" r="{radius}">'
        f"<title>{escape(name)}, {number(x)}: {number(y)}</title></circle>"
        for x, y in points
    ]
    return f'<g class="line-{colour}"><polyline points="{path}"/>{"".join(dots)}</g>'


def _legend(names: Sequence[str]) -> str:
    items = [
        f'<li class="line-{index % _COLOURS}"><i></i>{escape(name)}</li>'
        for index, name in enumerate(names)
    ]
    return f'<ul class="legend">{"".join(items)}</ul>'


def _in_words(title: str, lines: Mapping[str, Points], across: str) -> str:
    said = [
        f"{name} from {number(points[0][1])} to {number(points[-1][1])}"
        for name, points in lines.items()
    ]
    return f"{title} by {across}: {'; '.join(said)}"


def _ticks(low: float, high: float) -> list[float]:
    """Four to six round numbers that hold the values between them."""
    if high - low <= 0:
        return [0.0, 1.0]
    step = _round_step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def _whole_ticks(low: float, high: float) -> list[float]:
    step = max(1, math.ceil(_round_step((high - low) / 6))) if high > low else 1
    first, last = math.ceil(low), math.floor(high)
    return [float(tick) for tick in range(first, last + 1) if (tick - first) % step == 0] or [low]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)
