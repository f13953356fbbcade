"""A graph of tasks as what a state machine can say: one after another, and side by side.

Where a graph has no such form (a and b, then c of a alone and d of both), a barrier is put in:
some tasks then wait for more than they need. Nothing ever begins too early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Series:
    """Parts of which each begins when the one before is over."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Sides:
    """Parts that have nothing to do with one another."""

    parts: tuple[Part, ...]


#: A task's name, or parts of the graph.
Part: TypeAlias = "str | Series | Sides"


@dataclass(frozen=True)
class Composition:
    """The whole graph, and those of its tasks that wait for more than they need."""

    part: Part
    delayed: tuple[str, ...] = ()


def composed(needs: Mapping[str, Iterable[str]]) -> Composition:
    """The form of a graph; `needs` is in an order in which the tasks can run."""
    names = list(needs)
    graph = Graph({name: [one for one in needs[name] if one in needs] for name in names})
    part = graph.form(names)
    return Composition(part, tuple(graph.delayed(part)))


class Graph:
    """Sets of tasks as bits of whole numbers: thousands of tasks are compared at once."""

    def __init__(self, needs: Mapping[str, Sequence[str]]) -> None:
        self.needs = needs
        self.bit = {name: 1 << place for place, name in enumerate(needs)}
        self.above: dict[str, int] = {}  #: everything that must be done before
        for name, some in needs.items():
            self.above[name] = union(self.above[one] | self.bit[one] for one in some)

    def form(self, names: list[str]) -> Part:
        """The form of a part of the graph, its tasks in order."""
        if len(names) == 1:
            return names[0]
        sides = self.components(names)
        if len(sides) > 1:
            return Sides(tuple(self.form(side) for side in sides))
        found: list[Part] = []
        while True:
            pieces = self.cut(names)
            if len(pieces) > 1 or len(names) == 1 or len(self.components(names)) > 1:
                break
            first, names = self.split(names)
            found.append(self.form(first))
        found += [self.form(piece) for piece in pieces]
        return Series(tuple(flat(found)))

    def components(self, names: list[str]) -> list[list[str]]:
        """The tasks that are tied to one another, each set in order."""
        root = {name: name for name in names}

        def find(name: str) -> str:
            while root[name] != name:
                root[name] = root[root[name]]
                name = root[name]
            return name

        for name in names:
            for one in self.needs[name]:
                if one in root:
                    root[find(name)] = find(one)
        found: dict[str, list[str]] = {}
        for name in names:
            found.setdefault(find(name), []).append(name)
        return list(found.values())

    def cut(self, names: list[str]) -> list[list[str]]:
        """Pieces of which each needs all of the one before, as many as there are."""
        inside = union(self.bit[name] for name in names)
        place = {name: at for at, name in enumerate(names)}
        count = {name: bin(self.above[name] & inside).count("1") for name in names}
        order = sorted(names, key=lambda name: (count[name], place[name]))
        shared = [inside]  # what all tasks from here to the end need
        for name in reversed(order):
            shared.append(shared[-1] & self.above[name])
        shared.reverse()
        pieces: list[list[str]] = [[]]
        before = 0
        for at, name in enumerate(order):
            if before and before & ~shared[at] == 0:
                pieces.append([])
            pieces[-1].append(name)
            before |= self.bit[name]
        return pieces

    def split(self, names: list[str]) -> tuple[list[str], list[str]]:
        """A barrier: the tasks that can begin at once, and all others."""
        inside = set(names)
        first = [name for name in names if not inside.intersection(self.needs[name])]
        begun = set(first)
        return first, [name for name in names if name not in begun]

    def delayed(self, part: Part) -> Iterator[str]:
        """The tasks that the form holds back longer than the graph does."""
        for name, before in waits(part, self.bit, 0):
            if before & ~self.above[name]:
                yield name


def waits(part: Part, bit: Mapping[str, int], before: int) -> Iterator[tuple[str, int]]:
    """Each task with all that the form makes it wait for."""
    if isinstance(part, str):
        yield part, before
    elif isinstance(part, Sides):
        for side in part.parts:
            yield from waits(side, bit, before)
    else:
        for one in part.parts:
            yield from waits(one, bit, before)
            before |= union(bit[name] for name in names_of(one))


def names_of(part: Part) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    else:
        for one in part.parts:
            yield from names_of(one)


def flat(parts: Iterable[Part]) -> Iterator[Part]:
    """A series in a series is one."""
    for part in parts:
        yield from part.parts if isinstance(part, Series) else (part,)


def union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found
