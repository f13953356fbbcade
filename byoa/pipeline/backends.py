"""Where attempts run: here in processes of their own, or in this very process for a debugger."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from byoa.pipeline import hooks, template
from byoa.pipeline.imported import shared_imports
from byoa.pipeline.order import Order
from byoa.pipeline.worker import RUNS, Digests, Failure
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.model import Pipeline, Task


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


class TemplateGoneError(ByoaError):
    """The template has ended: an import crashed it, or somebody killed it."""


#: In place of a module's name: whichever of them it was.
ANY = "*"


class Here:
    """Processes on this machine, forked from a warm template."""

    def __init__(self, pipeline: Pipeline, log: Path, grace: float | None = None) -> None:
        self.pipeline, self.log = pipeline, log
        self.grace = grace  #: seconds between SIGTERM and SIGKILL; None is the kind's own
        self.coming: Sequence[Task] = ()
        self.connection: Any = None
        self.pid = 0
        #: functions and hooks that only live in this process: they are forked along
        self.by_name = has_objects(pipeline)
        self.running: dict[str, tuple[Task, int]] = {}  #: by name: the task, its process

    def prepare(self, tasks: Sequence[Task]) -> None:
        self.coming = tasks
        if tasks:  # before the first task's clock runs
            self.launch()

    def start(self, task: Task, order: Order) -> None:
        if self.connection is None:
            self.launch()
        self.running[task.name] = task, 0
        known = self.by_name and task.name in self.pipeline.tasks
        self.tell("start", task.name if known else task, order, self.grace)

    def launch(self) -> None:
        """Starts the template and has it load what many tasks import.

        What is not safe to fork then, or ends the template, is left to the tasks.
        """
        others = [] if self.by_name else shared_imports(self.pipeline, self.coming)
        tasks = self.pipeline.tasks if self.by_name else {}
        hooks.hold(self.pipeline)
        while True:
            self.pid, self.connection = template.launch(tasks, self.log, self.by_name)
            self.reader = template.Reader(self.connection)
            bad = self.preload(others)
            if not bad:
                return
            self.close()
            others = [name for name in others if bad not in (name, ANY)]

    def preload(self, others: Sequence[str]) -> str:
        """What must not be loaded before a fork; ANY when the template did not outlive it."""
        wanted = {RUNS[task.kind].partition(":")[0]: None for task in self.coming}
        wanted |= dict.fromkeys(others)
        notebooks = any(task.kind == "notebook" for task in self.coming)
        calls = ["byoa.pipeline.kinds.notebook:warm"] if notebooks and not self.by_name else []
        root = self.pipeline.root
        folders = [str(Path(root, folder)) for folder in self.pipeline.import_from or ("",)]
        self.tell("preload", [*wanted], calls, folders)
        try:
            (_, thready), *_ = self.receive(None)
        except TemplateGoneError:
            if not others:
                raise
            return ANY
        return str(thready)

    def tell(self, *message: Any) -> None:
        with suppress(ConnectionError):  # it is gone, which the next look at it tells
            template.send(self.connection, message)

    def receive(self, seconds: float | None) -> list[Any]:
        if not select.select([self.connection], [], [], seconds)[0]:
            return []
        found = self.reader.messages()
        if found == [None]:
            raise TemplateGoneError(
                f"The process that starts tasks has ended by itself; {self.log} says why. Run again"
                " with BYOA_PIPELINE_FORK=0 if a module that tasks import cannot bear a fork."
            )
        return found

    def wait(self, seconds: float | None) -> list[Ended]:
        if self.connection is None:
            time.sleep(seconds or 0)
            return []
        try:
            messages = self.receive(seconds)
        except TemplateGoneError as error:
            return self.orphaned(error)
        ended = []
        for what, name, more in messages:
            if what == "started":
                self.running[name] = self.running[name][0], more
            else:
                ended.append(self.ended(name, more))
        return ended

    def orphaned(self, error: TemplateGoneError) -> list[Ended]:
        """The attempts of a template that was killed, which have failed; another one follows."""
        failure, lost = Failure(str(error), ("killed",)), [*self.running]
        self.kill()
        return [Ended(name, failure) for name in lost]

    def kill(self) -> None:
        with suppress(OSError):
            if self.connection is not None:
                os.kill(self.pid, signal.SIGKILL)
        for _, pid in self.running.values():
            with suppress(OSError):
                if pid:
                    os.killpg(pid, signal.SIGKILL)
        self.running = {}
        self.close()

    def ended(self, name: str, facts: dict[str, Any]) -> Ended:
        task, _ = self.running.pop(name)
        failure = facts.pop("failure")
        facts.pop("told", None)
        told = Failure(**{**failure, "kinds": tuple(failure["kinds"])}) if failure else None
        return Ended(name, explained(told, task), **facts)

    def cancel(self, task: str) -> None:
        if self.connection is not None:
            self.tell("cancel", task)

    def close(self) -> None:
        """The template ends with its connection, and all attempts with it."""
        if self.connection is None:
            return
        self.connection.close()
        self.connection = None
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def has_objects(pipeline: Pipeline) -> bool:
    """Whether some of its code is only known to this process: it was made in Python."""
    tasks = pipeline.tasks.values()
    dotted = [*pipeline.hooks.values(), *pipeline.clients.values()]
    for task in tasks:
        dotted += [
            *filter(None, (task.serializer, task.unserializer, task.client, task.product_client)),
            *task.hooks.values(),
        ]
    found = (*(task.source.object for task in tasks), *(one.object for one in dotted))
    return any(one is not None for one in found)


def explained(failure: Failure | None, task: Task) -> Failure | None:
    """A failure of which only the reason is known, in words."""
    if failure is None or failure.text:
        return failure
    kind = failure.kinds[0]
    texts = {
        "timeout": f"it took longer than its time-out of {task.limits.seconds:g} s"
        if task.limits.seconds
        else "it took too long",
        "memory": f"it took more than its {task.limits.memory_mb} MB of memory",
        "cancelled": "it was cancelled",
    }
    return Failure(texts.get(kind, kind), failure.kinds, failure.traceback)


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
