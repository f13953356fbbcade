"""Which task may begin next: those whose upstream is done, in the pipeline's own order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from byoa.plan.pipeline.model import Pipeline, Task


class Schedule:
    """The tasks of a build that are not over yet; what is not in `undone` counts as done."""

    def __init__(self, pipeline: Pipeline, undone: Iterable[str]) -> None:
        self.tasks, self.below = pipeline.tasks, pipeline.downstream()
        self.place = {name: number for number, name in enumerate(pipeline.tasks)}
        left = set(undone)
        #: task → how many of its upstream are open; 0 once it is ready or runs
        self.open = {
            name: sum(need in left for need in pipeline.tasks[name].needs) for name in left
        }
        self._working: list[int] = []
        self._waiting: list[int] = []  #: those that take no core: they only wait for others
        self._names = list(pipeline.tasks)
        for name, needs in self.open.items():
            if not needs:
                self.put(name)

    @property
    def any_ready(self) -> bool:
        return bool(self._working or self._waiting)

    def put(self, name: str) -> None:
        """Makes a task ready (again)."""
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
        """The task will not be done: neither will all that needs it, in the pipeline's order."""
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
        """Nothing is ready any more."""
        self._working.clear()
        self._waiting.clear()
