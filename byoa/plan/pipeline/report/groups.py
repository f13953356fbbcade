"""Tasks as boxes of a picture: few enough to be looked at, however many tasks there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from byoa.plan.pipeline.model import Task

#: A grid of so many points is one box.
GRID = 4
#: More boxes than this nobody reads.
MOST = 60
#: Nor so many side by side.
WIDEST = 16
NUMBER = re.compile(r"\d+")
HEAD = re.compile(r"[\W_]")


@dataclass(frozen=True)
class Group:
    """One box: a task, or several under a common name."""

    said: str
    tasks: tuple[str, ...]

    @property
    def is_one(self) -> bool:
        return len(self.tasks) == 1


@dataclass(frozen=True)
class Link:
    """A way between two boxes, by number. each: point to point."""

    source: int
    target: int
    each: bool = False


def groups(tasks: Mapping[str, Task], most: int = MOST) -> list[Group]:
    """Grids are a box each; then what differs in numbers only, begins alike, is equally deep."""
    sizes: dict[str, int] = {}
    for task in tasks.values():
        sizes[task.family] = sizes.get(task.family, 0) + 1

    def grid(task: Task) -> str:
        return f"{task.family}-*" if task.family and sizes[task.family] >= GRID else ""

    wide: list[Group] = []
    for key in (
        lambda task: grid(task) or task.name,
        lambda task: grid(task) or NUMBER.sub("*", task.name),
        lambda task: grid(task) or f"{HEAD.split(task.name)[0]}*",
    ):
        found = _grouped(tasks.values(), key)
        if len(found) <= most:
            if breadth(found, tasks) <= WIDEST:
                return found
            wide = wide or found
    # Names that one has to scroll to say more than levels.
    return wide or _grouped(tasks.values(), _depth_of(tasks))


def breadth(found: list[Group], tasks: Mapping[str, Task]) -> int:
    """How many boxes would stand side by side; what nothing leads to or from stands apart."""
    ends = {end for link in links(found, tasks) for end in (link.source, link.target)}
    depths: dict[str, int] = {}
    for task in tasks.values():  # in an order in which they can run
        depths[task.name] = 1 + max((depths.get(name, 0) for name in task.needs), default=0)
    rows = Counter(
        max(depths[name] for name in group.tasks)
        for number, group in enumerate(found)
        if number in ends
    )
    return max(rows.values(), default=0)


def _grouped(tasks: Iterable[Task], key: Callable[[Task], str]) -> list[Group]:
    made: dict[str, list[str]] = {}
    for task in tasks:
        made.setdefault(key(task), []).append(task.name)
    return [
        Group(said if len(names) > 1 else names[0], tuple(names)) for said, names in made.items()
    ]


def _depth_of(tasks: Mapping[str, Task]) -> Callable[[Task], str]:
    depths: dict[str, int] = {}
    for task in tasks.values():  # in an order in which they can run
        depths[task.name] = 1 + max((depths.get(name, 0) for name in task.needs), default=0)
    deepest = max(depths.values(), default=1)
    step = max(1, -(-deepest // MOST))

    def said(task: Task) -> str:
        low = (depths[task.name] - 1) // step * step + 1
        return f"level {low}" if step == 1 else f"levels {low}–{min(low + step - 1, deepest)}"

    return said


def links(found: list[Group], tasks: Mapping[str, Task]) -> list[Link]:
    """Each way once; a group's ways within itself are left out."""
    box = {name: number for number, group in enumerate(found) for name in group.tasks}
    ways: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for task in tasks.values():
        for name in task.needs:
            if name in box and box[name] != box[task.name]:
                ways.setdefault((box[name], box[task.name]), []).append((name, task.name))
    return [Link(*ends, each=_point_to_point(pairs)) for ends, pairs in ways.items()]


def _point_to_point(pairs: list[tuple[str, str]]) -> bool:
    one, other = ({pair[end] for pair in pairs} for end in (0, 1))
    return len(pairs) > 1 and len(one) == len(other) == len(pairs)
