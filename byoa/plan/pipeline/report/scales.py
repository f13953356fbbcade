"""From values to places on a picture, and the values that stand beside its axes."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: From so many decades on, positive numbers are drawn on a logarithmic scale.
DECADES = 2.0
LAST = sys.float_info.max


@dataclass(frozen=True)
class Scale:
    """Values from low to high on pixels from start to end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, here = (
            math.log10(one) if self.log else one for one in (self.low, self.high, value)
        )
        if high == low:
            return (self.start + self.end) / 2
        # Halved: the span of the two largest floats is none itself.
        return self.start + (here / 2 - low / 2) / (high / 2 - low / 2) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        if self.log:
            return _decades(self.low, self.high, about)
        return nice(self.low, self.high, about)


def scale(values: Iterable[float], start: float, end: float, log: bool | None = None) -> Scale:
    """One that shows all values with a little room; logarithmic where they span decades."""
    found = [value for value in values if math.isfinite(value)]
    low, high = min(found, default=0.0), max(found, default=1.0)
    if log is None:
        log = low > 0 and math.log10(high) - math.log10(low) >= DECADES
    if log and low > 0:
        return Scale(low / 1.25, min(high * 1.25, LAST), start, end, True)
    room = (high / 2 - low / 2) * 0.12 or abs(low) * 0.05 or 0.5
    return Scale(max(low - room, -LAST), min(high + room, LAST), start, end)


def nice(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between low and high: steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if not (0 < span < math.inf):
        return [low]
    power = math.floor(math.log10(span / about))
    raw = span / about / 10.0**power
    step = (1 if raw < 1.5 else 2 if raw < 3.5 else 5 if raw < 7.5 else 10) * 10.0**power
    if not step or not math.isfinite(low / step):
        return [low, high]
    first = math.ceil(low / step - 1e-9)
    count = min(int((high - first * step) / step + 1e-9) + 1, 4 * about)
    return [round((first + n) * step, max(0, 1 - power)) + 0.0 for n in range(count)]


def _decades(low: float, high: float, about: int) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = max(1, -(-(last - first + 1) // about))
    found = [10.0**power for power in range(first, last + 1, step)]
    return found if len(found) > 1 else nice(low, high, about)


def is_number(value: object) -> bool:
    """Whether a parameter's value can stand on an axis: no bool, no nan."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def mean(values: Sequence[float]) -> float:
    return math.fsum(value / len(values) for value in values)


def median(values: Sequence[float]) -> float:
    found, half = sorted(values), len(values) // 2
    return found[half] if len(found) % 2 else found[half - 1] / 2 + found[half] / 2
