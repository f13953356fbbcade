"""The points that an item of `tasks` stands for: its grid's, for each of another grid's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.pipeline.entries import Entry
from byoa.plan.pipeline.grid import GridError, Point, points
from byoa.plan.pipeline.item import Item
from byoa.plan.pipeline.model import Task
from byoa.plan.pipeline.problems import listed, meant

NO_POINT = Point({}, ())


@dataclass(frozen=True)
class Draft:
    """A task, and the words that it asks for its upstream with."""

    task: Task
    asked: tuple[str, ...]
    entry: Entry
    parents: Mapping[str, str] = field(default_factory=dict)  #: for_each: grid → its task
    axes: tuple[str, ...] = ()
    alias: str = ""  #: the name that Ploomber gives it, by its position


@dataclass(frozen=True)
class Spot:
    """A point of an item's grid, joined with the point of the grid that it is for each of."""

    point: Point
    own: Mapping[str, Any] = field(default_factory=dict)  #: the values of its own grid
    parents: Mapping[str, str] = field(default_factory=dict)


def is_grid(item: Item) -> bool:
    return "grid" in item.keys or "for_each" in item.keys


def spots(item: Item) -> list[Spot]:
    """Every point of the item's own grid, for each task of the grid that it follows."""
    own = [NO_POINT]
    if "grid" in item.keys:
        try:
            own = points(with_calls(item, item.keys["grid"]), item.said_params)
        except GridError as error:
            item.say("grid", f"grid: {error}.")
            return []
    if "for_each" not in item.keys:
        return [Spot(point, point.values) for point in own]
    made = []
    for parent in family(item, item.keys["for_each"]):
        both = parent.task.point.keys() & own[0].values.keys()
        if both:
            item.say("grid", f"grid has {listed(both)}, as {item.keys['for_each']} has.")
            return []
        chain = {**parent.parents, parent.task.family: parent.task.name}
        for point in own:
            joined = Point({**parent.task.point, **point.values}, (*parent.axes, *point.axes))
            made.append(Spot(joined, point.values, chain))
    return made


def with_calls(item: Item, grid: Any) -> Any:
    """A grid with the values that functions return."""
    if isinstance(grid, Mapping):
        return {key: item.valued(value) for key, value in grid.items()}
    return [with_calls(item, table) for table in grid] if isinstance(grid, list) else grid


def family(item: Item, target: Any) -> list[Draft]:
    families = item.context.families
    if isinstance(target, str) and target in families:
        return families[target]
    known = meant(target, families, "There are") if families else "There is no grid at all."
    item.say("for_each", f"for_each: there is no grid {target!r}. {known}")
    return []
