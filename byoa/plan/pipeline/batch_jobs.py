"""Tasks as jobs of AWS Batch: grids as arrays, chained point to point; joins past 20 waits.

An array's child fails alone, but whoever waits for the array waits for all of it: a grid is an
array only where everybody downstream needs all of it, or point n of another grid needs its point n.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

#: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
MOST_WAITS = 20
MOST_CHILDREN = 10_000
LONGEST = 128
N_TO_N = "N_TO_N"


@dataclass(frozen=True)
class Work:
    """A task to be submitted: what it needs; in an array all have one family and shape."""

    name: str
    needs: tuple[str, ...] = ()
    family: str = ""
    shape: Hashable = None


@dataclass(frozen=True)
class Wait:
    """A job that must succeed before; N_TO_N: only its child of the same number."""

    job: str
    kind: str = ""


@dataclass(frozen=True)
class Job:
    """One submit_job: a task, an array of tasks, or (without a task) a join of others."""

    name: str
    tasks: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()

    @property
    def is_array(self) -> bool:
        return len(self.tasks) > 1


@dataclass
class Groups:
    """Families that are still to be arrays: the members in order, and each member's family."""

    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)

    def drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            for name in self.members.pop(key, ()):
                del self.of[name]

    def order(self, key: str, names: tuple[str, ...]) -> None:
        self.members[key] = names


def jobs_of(
    works: Mapping[str, Work], prefix: str, started: Mapping[str, str] | None = None
) -> list[Job]:
    """The jobs in an order in which they can be submitted; `works` is in one for tasks.

    `started` has tasks that run already, under the id of their job: they are waited for as well.
    """
    running = started or {}
    works = {
        name: replace(work, needs=tuple(n for n in work.needs if n in works or n in running))
        for name, work in works.items()
    }
    groups = settled(works, candidates(works))
    units = {name: groups.of.get(name, name) for name in works}
    named = unit_names(units, groups, prefix)
    jobs: list[Job] = []
    joins: dict[tuple[Wait, ...], Wait] = {}
    for unit in ordered(works, units):
        tasks = groups.members.get(unit, (unit,))
        waits = waits_of(works[tasks[0]], groups, named, running)
        new, few = folded(waits, prefix, joins)
        jobs += [*new, Job(named[unit], tasks, few)]
    return jobs


def candidates(works: Mapping[str, Work]) -> Groups:
    """Every family of equal shape, in pieces that Batch takes."""
    found: dict[tuple[str, Hashable], list[str]] = {}
    for work in works.values():
        if work.family:
            found.setdefault((work.family, work.shape), []).append(work.name)
    groups = Groups()
    for number, ((family, _), names) in enumerate(found.items()):
        for at in range(0, len(names), MOST_CHILDREN):
            piece = tuple(names[at : at + MOST_CHILDREN])
            if len(piece) > 1:
                key = f"{family}\0{number}\0{at}"
                groups.members[key] = piece
                groups.of.update(dict.fromkeys(piece, key))
    return groups


def settled(works: Mapping[str, Work], groups: Groups) -> Groups:
    """The groups that can be arrays: those that cannot are dropped until all the others can."""
    while True:
        bad = {key for work in works.values() for key in misfits_of_single(work, groups)}
        for key in list(groups.members):
            bad |= misfits_of_group(works, key, groups)
        bad = bad or circles(works, groups)
        if not bad:
            return groups
        groups.drop(bad)


def misfits_of_single(work: Work, groups: Groups) -> set[str]:
    """The groups of which a task that is in none needs only a part."""
    if work.name in groups.of:
        return set()
    return {key for key, names in needed(work, groups).items() if len(names) < size(key, groups)}


def misfits_of_group(works: Mapping[str, Work], key: str, groups: Groups) -> set[str]:
    """What keeps a group from being an array: itself, or groups that it needs otherwise than all of
    them or point to point. Point to point fixes the order of its members."""
    names = groups.members[key]
    alone = {frozenset(n for n in works[name].needs if n not in groups.of) for name in names}
    needs = [needed(works[name], groups) for name in names]
    if len(alone) > 1 or any(set(one) != set(needs[0]) or key in one for one in needs):
        return {key}
    for above in needs[0]:
        if all(len(one[above]) == size(above, groups) for one in needs):
            continue
        points = [one[above][0] for one in needs if len(one[above]) == 1]
        if len(set(points)) != len(names) or len(names) != size(above, groups):
            return {above}
        of = dict(zip(points, names))
        order = tuple(of[point] for point in groups.members[above])
        if order != names:
            if any(paired(works, names, other, groups) for other in needs[0] if other != above):
                return {key}  # two grids in different orders: which one is point n?
            groups.order(key, order)
            names = order
    return set()


def paired(works: Mapping[str, Work], names: Sequence[str], above: str, groups: Groups) -> bool:
    return any(len(needed(works[name], groups)[above]) < size(above, groups) for name in names)


def needed(work: Work, groups: Groups) -> dict[str, list[str]]:
    """What a task needs of each group."""
    found: dict[str, list[str]] = {}
    for name in work.needs:
        if name in groups.of:
            found.setdefault(groups.of[name], []).append(name)
    return found


def size(key: str, groups: Groups) -> int:
    return len(groups.members[key])


def circles(works: Mapping[str, Work], groups: Groups) -> set[str]:
    """Groups of which one waits for the other in a circle, though no two tasks do."""
    units = {name: groups.of.get(name, name) for name in works}
    placed = set(ordered(works, units))
    return {unit for unit in units.values() if unit not in placed and unit in groups.members}


def ordered(works: Mapping[str, Work], units: Mapping[str, str]) -> list[str]:
    """The units in an order in which they can be submitted; those in a circle are left out."""
    above: dict[str, set[str]] = {unit: set() for unit in units.values()}
    below: dict[str, set[str]] = {unit: set() for unit in units.values()}
    for work in works.values():
        for need in work.needs:
            if need in units and units[need] != units[work.name]:
                above[units[work.name]].add(units[need])
                below[units[need]].add(units[work.name])
    open_needs = {unit: len(some) for unit, some in above.items()}
    found = [unit for unit, count in open_needs.items() if not count]
    for unit in found:  # it grows while we walk
        for one in below[unit]:
            open_needs[one] -= 1
            if not open_needs[one]:
                found.append(one)
    return found


def waits_of(
    work: Work, groups: Groups, named: Mapping[str, str], running: Mapping[str, str]
) -> tuple[Wait, ...]:
    """What a job waits for: single jobs, whole arrays, arrays point to point, jobs that run."""
    found: dict[Wait, None] = {}
    of_groups = needed(work, groups)
    for need in work.needs:
        if key := groups.of.get(need):
            whole = len(of_groups[key]) == size(key, groups)
            found[Wait(named[key], "" if whole else N_TO_N)] = None
        else:
            found[Wait(running.get(need) or named[need])] = None
    return tuple(found)


def folded(
    waits: tuple[Wait, ...], prefix: str, joins: dict[tuple[Wait, ...], Wait]
) -> tuple[list[Job], tuple[Wait, ...]]:
    """Joins, 20 by 20, until what is left to wait for is few enough; one join for equal waits.

    https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
    """
    made: list[Job] = []
    paired = tuple(wait for wait in waits if wait.kind)
    plain = tuple(wait for wait in waits if not wait.kind)
    while len(plain) > MOST_WAITS - len(paired):
        pieces = [plain[at : at + MOST_WAITS] for at in range(0, len(plain), MOST_WAITS)]
        for some in pieces:
            if len(some) > 1 and some not in joins:
                mark = hashlib.sha256(repr([one.job for one in some]).encode()).hexdigest()[:12]
                joins[some] = Wait(f"{prefix}join-{mark}")
                made.append(Job(joins[some].job, (), some))
        plain = tuple(some[0] if len(some) == 1 else joins[some] for some in pieces)
    return made, (*plain, *paired)


def unit_names(units: Mapping[str, str], groups: Groups, prefix: str) -> dict[str, str]:
    """A job's name for each unit: the task's or the grid's own as far as Batch takes it."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for unit in dict.fromkeys(units.values()):
        own = unit.partition("\0")[0] if unit in groups.members else unit
        name = batch_name(prefix, own)
        if name.lower() in taken:  # Batch's own filter does not tell cases apart
            mark = hashlib.sha256(repr((unit, groups.members.get(unit))).encode()).hexdigest()[:8]
            name = f"{name[: LONGEST - 9]}-{mark}"
        taken.add(name.lower())
        found[unit] = name
    return found


def batch_name(prefix: str, own: str) -> str:
    """Letters, digits, hyphens and underscores; what had others carries the hash of what it was."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", own)
    if plain != own or len(prefix) + len(plain) > LONGEST:
        mark = hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        plain = "-".join(filter(None, (plain[: LONGEST - len(prefix) - 9].strip("-"), mark)))
    return prefix + plain
