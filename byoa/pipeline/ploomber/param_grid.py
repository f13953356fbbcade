"""Ploomber's ParamGrid and Interval: combinations of parameters, and a span cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.grid import values_of


class Interval:
    """From lower to upper in steps of delta; the last piece may be shorter."""

    def __init__(self, lower: Any, upper: Any, delta: Any) -> None:
        if lower >= upper:
            raise UsageError(f"Interval from {lower} to {upper}: the first must be less.")
        self.lower, self.upper, self.delta = lower, upper, delta

    def expand(self) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        step = 0
        while True:
            begin = self.lower + step * self.delta
            end = self.lower + (step + 1) * self.delta
            if end >= self.upper:
                return [*found, (begin, self.upper)]
            found.append((begin, end))
            step += 1

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self.expand())


class ParamGrid:
    """Every combination (`product`), or the first of each, the second of each … (`zip`)."""

    def __init__(self, grid: Any, params: Mapping[str, Any] | None = None) -> None:
        tables = [grid] if isinstance(grid, Mapping) else list(grid)
        self.tables = [{key: values_of(value) for key, value in table.items()} for table in tables]
        self.params = dict(params or {})
        both = sorted({key for table in self.tables for key in table} & self.params.keys())
        if both:
            raise UsageError(f"{', '.join(both)}: in the grid and in params.")

    def product(self) -> Iterator[dict[str, Any]]:
        for table in self.tables:
            for chosen in product(*table.values()):
                yield {**dict(zip(table, chosen, strict=True)), **self.params}

    def zip(self) -> Iterator[dict[str, Any]]:
        for table in self.tables:
            if len({len(values) for values in table.values()}) > 1:
                raise UsageError("zip: all parameters must have equally many values.")
            for chosen in zip(*table.values(), strict=True):
                yield {**dict(zip(table, chosen, strict=True)), **self.params}
