"""A grid's points: every combination of a mapping's lists, of several mappings one after another.

https://docs.ploomber.io/en/latest/cookbook/grid.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from byoa.plan.pipeline.names import axes

MOST_POINTS = 100_000


@dataclass(frozen=True)
class Point:
    """One combination, and the keys that tell it from the others."""

    values: Mapping[str, Any]
    axes: tuple[str, ...]


class GridError(Exception):
    """What is wrong with a grid."""


def points(grid: Any, fixed: Mapping[str, Any]) -> list[Point]:
    """All points, in order; GridError says why not."""
    tables = grid if isinstance(grid, (list, tuple)) else [grid]
    found: list[Point] = []
    for table in tables:
        checked(table, fixed)
        lists = {key: values_of(value) for key, value in table.items()}
        if len(found) + prod(map(len, lists.values())) > MOST_POINTS:
            raise GridError(f"it has more than {MOST_POINTS:,} points")
        keys = tuple(axes(table))
        found += [
            Point(dict(zip(lists, chosen, strict=True)), keys)
            for chosen in product(*lists.values())
        ]
    if not found:
        raise GridError("it has no points")
    return once(found)


def checked(table: Any, fixed: Mapping[str, Any]) -> None:
    if not isinstance(table, Mapping) or not table:
        empty = "it is empty. Write NAME: [VALUE, …]"
        raise GridError(empty if table == {} else f"{table!r} is no mapping of names to values")
    for key in table:
        if not isinstance(key, str):
            raise GridError(f"{key!r} is no parameter's name")
        if key in {"upstream", "product"}:
            raise GridError(f"{key!r} is what every task has")
    both = sorted(table.keys() & fixed.keys())
    if both:
        raise GridError(f"{', '.join(both)}: in params as well")


def values_of(value: Any) -> list[Any]:
    """Its values; a single one stands for itself, as a mapping's keys do in Ploomber."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)


def once(found: list[Point]) -> list[Point]:
    """Without those that are there already: the same values are the same task."""
    made: dict[str, Point] = {}
    for point in found:
        key = json.dumps(dict(point.values), sort_keys=True, default=str)  # objects: each its own
        made.setdefault(key, point)
    return list(made.values())
