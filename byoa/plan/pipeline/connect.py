"""The words that tasks ask for their upstream with, matched with tasks; an order to run them in."""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.model import Task
from byoa.plan.pipeline.problems import Problems, listed, meant
from byoa.plan.pipeline.spots import Draft

STAR = re.compile(r"[*?\[]")


class AllOf(str):
    """`fit*` as a pipeline from Python means it: the points of the grid `fit`, nothing else."""

    __slots__ = ()


def connect(
    drafts: Sequence[Draft], problems: Problems, unread: Collection[str] = ()
) -> list[Task]:
    """The tasks with their upstream; what cannot be found, nor was unread, is a problem."""
    tasks = {draft.task.name: draft for draft in drafts}
    words = Words(drafts)
    made = []
    for draft in drafts:
        upstream = {}
        for word in draft.asked:
            names = words.tasks(word, draft)
            if names:
                upstream[word] = names
            elif word not in unread:
                line = draft.entry.line_of(
                    "upstream" if "upstream" in draft.entry.keys else "source"
                )
                problems.add(words.unknown(word, tasks), line, draft.task.name, draft.entry.file)
        for family, name in words.unasked(draft, upstream):
            upstream[family] = (name,)
        made.append(replace(draft.task, upstream=upstream) if upstream else draft.task)
    return made


class Words:
    """Which tasks a word means."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.names = [draft.task.name for draft in drafts]
        self.known = {name: index for index, name in enumerate(self.names)}
        self.sorted = sorted(self.known)
        self.aliases = {draft.alias: draft.task.name for draft in drafts if draft.alias}
        self.family = {draft.task.name: draft.task.family for draft in drafts}
        self.families: dict[str, list[str]] = {}
        for name, family in self.family.items():
            if family:
                self.families.setdefault(family, []).append(name)
        self.matches, self.matches_outside = cache(self.matched), cache(self.outside)

    def matched(self, pattern: str) -> tuple[str, ...]:
        """The tasks of a pattern, in their order; only names that begin as it does are compared."""
        beginning = STAR.split(pattern)[0]
        keep = compiled(pattern).match
        found = []
        for name in self.sorted[bisect_left(self.sorted, beginning) :]:
            if not name.startswith(beginning):
                break
            if keep(name):
                found.append(name)
        return tuple(sorted(found, key=self.known.__getitem__))

    def outside(self, pattern: str, families: frozenset[str]) -> tuple[str, ...]:
        """Those of a pattern that are of none of these grids."""
        return tuple(name for name in self.matches(pattern) if self.family[name] not in families)

    def tasks(self, word: str, draft: Draft) -> tuple[str, ...]:
        """Of one task, several of a pattern, or the very point of a grid that it is for each of."""
        if isinstance(word, AllOf):
            return tuple(self.families.get(word[:-1], ()))
        if word in self.known:
            return (word,)
        if word in draft.parents:
            return (draft.parents[word],)
        if not STAR.search(word):
            return (self.aliases[word],) if word in self.aliases else ()
        found: Sequence[str] = self.matches(word)
        if draft.parents:
            own = [name for name in draft.parents.values() if compiled(word).match(name)]
            others = self.matches_outside(word, frozenset(draft.parents))
            found = sorted({*own, *others}, key=self.known.__getitem__)
        itself = draft.task.name
        if compiled(word).match(itself):
            return tuple(name for name in found if name != itself)
        return tuple(found)

    def unasked(
        self, draft: Draft, upstream: Mapping[str, tuple[str, ...]]
    ) -> list[tuple[str, str]]:
        """for_each waits for its point, though the code does not say so."""
        if not draft.parents:
            return []
        needed = {name for names in upstream.values() for name in names}
        if needed & set(draft.parents.values()):
            return []
        return [list(draft.parents.items())[-1]]

    def unknown(self, word: str, tasks: Mapping[str, Draft]) -> str:
        if STAR.search(word):
            return f"no task is called {word!r}. There are {listed(self.names)}."
        if word in self.families:
            return f"{word!r} is a grid: ask for '{word}*', or follow it with for_each: {word}."
        return f"there is no task {word!r}. {meant(word, tasks, 'There are')}"


def in_order(tasks: Sequence[Task], problems: Problems) -> dict[str, Task]:
    """Upstream first, else as they are written; a circle is a problem."""
    by_name = {task.name: task for task in tasks}
    done: dict[str, Task] = {}
    for task in tasks:
        if task.name in done:
            continue
        path: dict[str, list[str]] = {task.name: unmet(task, by_name)}
        while path:
            name, waiting = next(reversed(path.items()))
            if not waiting:
                done[name] = by_name[name]
                del path[name]
                continue
            following = waiting.pop(0)
            if following in path:
                circle = [*list(path)[list(path).index(following) :], following]
                problems.add(f"a circle: {' → '.join(reversed(circle))}.", task=following)
                return by_name
            if following not in done:
                path[following] = unmet(by_name[following], by_name)
    return done


def unmet(task: Task, known: Mapping[str, Task]) -> list[str]:
    return [name for name in task.needs if name in known]


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def check_names(drafts: Sequence[Draft], problems: Problems) -> None:
    """No two tasks of one name, no two with one product."""
    names: dict[str, Draft] = {}
    places: dict[str, str] = {}
    for draft in drafts:
        task = draft.task
        if task.name in names:
            problems.add(
                "another task has this name. Write name:, another for each.",
                draft.entry.line_of("name"), task.name, draft.entry.file,
            )  # fmt: skip
            continue
        names[task.name] = draft
        for product in task.products.values():
            place = product.path or "/".join(product.relation or ())
            if place in places and task.kind not in {"link", "input"}:
                said = "twice" if places[place] == task.name else f"as {places[place]} does"
                problems.add(
                    f"it makes {place} {said}.",
                    draft.entry.line_of("product"), task.name, draft.entry.file,
                )  # fmt: skip
            places.setdefault(place, task.name)
    check_folders(places, problems)
    check_sources(drafts, problems)


def check_sources(drafts: Sequence[Draft], problems: Problems) -> None:
    """No task writes over code: its own, another's, the pipeline's."""
    code = {problems.file, *(draft.entry.file for draft in drafts)}
    code |= {draft.task.source.path for draft in drafts if draft.task.kind not in kinds.TEXT_SOURCE}
    for draft in drafts:
        for product in draft.task.products.values():
            if product.path and product.path in code and draft.task.kind not in {"link", "input"}:
                problems.add(
                    f"it would write over {product.path}, which is no product but a source.",
                    draft.entry.line_of("product"), draft.task.name, draft.entry.file,
                )  # fmt: skip


def check_folders(places: Mapping[str, str], problems: Problems) -> None:
    """A product within another task's product: that one never looks the same."""
    for place, name in places.items():
        above = place.rpartition("/")[0]
        while above:
            owner = places.get(above, name)
            if owner != name:
                problems.note(
                    f"{place} of task {name} is inside of {above}, which {owner} makes: {owner} is"
                    " never up to date. Give each a place of its own."
                )
            above = above.rpartition("/")[0]
