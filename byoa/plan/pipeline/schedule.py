"""Which task may begin next: of those whose upstream is done, what most is waiting for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from byoa.plan.pipeline.model import Pipeline, Task


class Schedule:
    """The tasks of a build that are not over yet; what is not in `undone` counts as done."""

    def __init__(
        self, pipeline: Pipeline, undone: Iterable[str], seconds: Mapping[str, float] | None = None
    ) -> None:
        self.tasks, self.below = pipeline.tasks, pipeline.downstream()
        left, self.halted = set(undone), False
        self._names = ranked(pipeline, self.below, left, seconds or {})
        self.place = {name: number for number, name in enumerate(self._names)}
        #: task → how many of its upstream are open; 0 once it is ready or runs
        self.open = {
            name: sum(need in left for need in pipeline.tasks[name].needs) for name in left
        }
        self._working: list[int] = []
        self._waiting: list[int] = []  #: those that take no core: they only wait for others
        for name, needs in self.open.items():
            if not needs:
                self.put(name)

    @property
    def any_ready(self) -> bool:
        return bool(self._working or self._waiting)

    def put(self, name: str) -> None:
        """Makes a task ready (again)."""
        if self.halted:
            return
        heap = self._working if self.tasks[name].limits.cpus else self._waiting
        heapq.heappush(heap, self.place[name])

    def take(self, fits: Callable[[Task], bool], room: Callable[[], bool]) -> Iterator[Task]:
        """The ready tasks that fit, first come first; those that do not stay ready."""
        yield from self._fitting(self._waiting, fits, lambda: True)
        yield from self._fitting(self._working, fits, room)

    def _fitting(
        self, heap: list[int], fits: Callable[[Task], bool], room: Callable[[], bool]
    ) -> Iterator[Task]:
        passed = []
        try:
            while heap and room():
                place = heapq.heappop(heap)
                task = self.tasks[self._names[place]]
                if fits(task):
                    yield task
                else:
                    passed.append(place)
        finally:
            for place in passed:
                heapq.heappush(heap, place)

    def done(self, name: str) -> None:
        """What only waited for this task is ready."""
        del self.open[name]
        for below in self.below[name]:
            if below in self.open:
                self.open[below] -= 1
                if not self.open[below]:
                    self.put(below)

    def lost(self, name: str) -> list[str]:
        """The task will not be done: neither will all that needs it."""
        del self.open[name]
        found = set()
        waiting = list(self.below[name])
        while waiting:
            below = waiting.pop()
            if below in self.open:
                del self.open[below]
                found.add(below)
                waiting += self.below[below]
        return sorted(found, key=self.place.__getitem__)

    def halt(self) -> None:
        """Nothing is ready any more, whatever is done from now on."""
        self.halted = True
        self._working.clear()
        self._waiting.clear()


def ranked(
    pipeline: Pipeline,
    below: Mapping[str, list[str]],
    left: Collection[str],
    seconds: Mapping[str, float],
) -> list[str]:
    """The tasks by the longest way from each to the end; equal ones in the pipeline's order.

    `seconds` is what each took last time. One that has never run counts as the others' mean.
    """
    usual = sum(seconds.values()) / len(seconds) if seconds else 1.0
    longest: dict[str, float] = {}
    for name in reversed(list(pipeline.tasks)):
        after = max((longest[one] for one in below[name]), default=0.0)
        longest[name] = after + (seconds.get(name, usual) if name in left else 0.0)
    place = {name: number for number, name in enumerate(pipeline.tasks)}
    return sorted(pipeline.tasks, key=lambda name: (-longest[name], place[name]))
