"""Where attempts run: here in processes of their own, or in this very process for a debugger."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from byoa.pipeline.order import Order
from byoa.pipeline.worker import Digests, Failure
from byoa.plan.pipeline.model import Task


@dataclass(frozen=True)
class Ended:
    """An attempt that has ended."""

    task: str
    failure: Failure | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    digests: Digests = field(default_factory=dict)
    seconds: float = 0
    cpu_seconds: float = 0
    peak_mb: float = 0

    @property
    def stops(self) -> bool:
        """Whether the task asked for the build to end, without an error."""
        return self.failure is not None and "DAGBuildEarlyStop" in self.failure.kinds


class Backend(Protocol):
    """What runs attempts. A task has one attempt at a time."""

    def prepare(self, tasks: Sequence[Task]) -> None:
        """Told once, before the first attempt: what is going to run, as far as is known."""

    def start(self, task: Task, order: Order) -> None:
        """Begins an attempt and returns at once."""

    def wait(self, seconds: float | None) -> list[Ended]:
        """What has ended, at latest after so many seconds; None waits for one."""

    def cancel(self, task: str) -> None:
        """Asks an attempt to end; it still comes out of wait."""

    def kill(self) -> None:
        """Ends all that still runs, at once."""

    def close(self) -> None:
        """Ends all that still runs; what it has to tidy up is waited for."""


class InThisProcess:
    """One attempt at a time, in this process; an error opens the debugger where it happened."""

    def __init__(self, *, debugger: bool = True) -> None:
        self.debugger = debugger
        self.done: list[Ended] = []

    def prepare(self, tasks: Sequence[Task]) -> None:
        pass

    def start(self, task: Task, order: Order) -> None:
        from byoa.pipeline import worker

        began, cpu = time.monotonic(), time.process_time()
        failure = None
        try:
            with unchanged(), worker.surroundings(order):
                worker.execute(task, order)
        except Exception as error:
            failure = worker.told(error, task.name)
            if self.debugger and "DAGBuildEarlyStop" not in failure.kinds:
                post_mortem(error)
        spent = time.monotonic() - began, time.process_time() - cpu
        self.done.append(Ended(task.name, failure, order.metrics, {}, *spent))

    def wait(self, seconds: float | None) -> list[Ended]:
        done, self.done = self.done, []
        if not done and seconds:
            time.sleep(seconds)
        return done

    def cancel(self, task: str) -> None:
        pass

    def kill(self) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def unchanged() -> Iterator[None]:
    """What a task changes of its process is as before: the folder, sys.path, the environment."""
    folder, path, environment = Path.cwd(), list(sys.path), dict(os.environ)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(environment)


def post_mortem(error: Exception) -> None:
    """The debugger at the line that failed: IPython's where it is installed, else Python's."""
    print(f"\n{type(error).__name__}: {error}\nThe debugger is open; q ends it.", file=sys.stderr)
    try:
        from IPython.core.debugger import Pdb

        debugger: Any = Pdb()  # untyped
        debugger.reset()
        debugger.interaction(None, error.__traceback__)
    except ImportError:
        import pdb  # noqa: T100 that is what --debug is for

        pdb.post_mortem(error.__traceback__)
