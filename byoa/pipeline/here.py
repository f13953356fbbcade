"""Attempts as processes on this machine, forked from a warm template."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from byoa.pipeline import hooks, template, wire
from byoa.pipeline.backends import Ended
from byoa.pipeline.imported import shared_imports
from byoa.pipeline.order import Order
from byoa.pipeline.worker import RUNS, Failure
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.model import Pipeline, Task


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
            self.reader = wire.Reader(self.connection)
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
            wire.send(self.connection, message)

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
