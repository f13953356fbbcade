"""Which tasks of a pipeline are asked for, and which are made again whatever their state."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.model import Pipeline

WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Selection:
    """Patterns of task names (`fit-*`; a grid's own name means all its points); none is all.

    until: these tasks and all that they need. downstream: these, all that depends on them, and
    what those need. only: these alone. skip_upstream: what is needed is taken as it is.
    """

    only: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    skip_upstream: bool = False
    force: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        return not (self.only or self.until or self.downstream)


@dataclass(frozen=True)
class Chosen:
    """The names that a selection means."""

    tasks: frozenset[str]
    forced: frozenset[str]


def chosen(pipeline: Pipeline, selection: Selection) -> Chosen:
    """The tasks that a selection means; a pattern that fits none is an error."""
    names = named(pipeline, selection.until)
    if selection.downstream:
        below = pipeline.downstream()
        names |= walked(named(pipeline, selection.downstream), lambda name: below[name])
    if not selection.skip_upstream:
        names = walked(names, lambda name: pipeline.tasks[name].needs)
    names |= named(pipeline, selection.only)
    if selection.is_all:
        names = set(pipeline.tasks)
    return Chosen(frozenset(names), frozenset(named(pipeline, selection.force) & names))


def walked(begin: Iterable[str], onward: Callable[[str], Iterable[str]]) -> set[str]:
    """The names and all that can be reached from them."""
    seen: set[str] = set()
    waiting = list(begin)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += onward(name)
    return seen


def named(pipeline: Pipeline, patterns: Sequence[str]) -> set[str]:
    """The tasks whose name, or whose grid's, fits one of the patterns."""
    found: set[str] = set()
    unknown = []
    families: dict[str, set[str]] = {}
    for name, task in pipeline.tasks.items() if patterns else ():
        families.setdefault(task.family, set()).add(name)
    for pattern in patterns:
        fits = ({pattern} & pipeline.tasks.keys()) | families.get(pattern or "?", set())
        if WILD.search(pattern):
            fits |= {name for name in pipeline.tasks if fnmatchcase(name, pattern)}
        found |= fits
        if not fits:
            unknown.append(pattern)
    if unknown:
        raise UsageError(f"No task is called {' or '.join(unknown)}. {hint(pipeline, unknown)}")
    return found


def hint(pipeline: Pipeline, unknown: Sequence[str]) -> str:
    """What may have been meant by a name that no task has."""
    points = [
        task.name for task in pipeline.tasks.values() if task.family and task.family == unknown[0]
    ]
    if points:
        more = f" and {len(points) - 3} more" if len(points) > 3 else ""
        return f"It is a grid: {', '.join(points[:3])}{more}."
    known: Mapping[str, None] = dict.fromkeys(
        name for task in pipeline.tasks.values() for name in (task.name, task.family) if name
    )
    near = difflib.get_close_matches(unknown[0], list(known), 3)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(list(known)[:10])}{', …' * (len(known) > 10)}."
