"""One model of many: its broker, its process's life, its memory."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import gevent
from gevent.event import Event

from container.serving.answers import Answer, error
from container.serving.broker import STUCK, Broker
from container.serving.invocations import Invocations
from container.serving.lanes import Lane, Limits
from container.serving.log import say
from container.serving.model_tier import LASTING, describe
from container.serving.models_memory import Usage
from container.serving.protocol import Head
from container.serving.received import Whole

#: How Python, torch, C++ and the C library say that there is no memory.
NO_MEMORY = re.compile(
    r"MemoryError|OutOfMemory|bad_alloc|[Cc]annot allocate memory|not enough memory"
)
CLOSING = 1.0


class ModelBroker(Broker):
    """A broker whose model's process may come and go; its clock is shared with all others."""

    def __init__(self, limits: Limits, clock: gevent.Greenlet) -> None:
        super().__init__(limits)
        self._clock = clock
        self.heard: Callable[[Lane, Head], None] | None = None
        self.kill: Callable[[], None] | None = None
        self.over: Answer | None = None

    def answer_late(self) -> None:
        """Answer those for whom the time is over: the shared clock asks."""
        self._answer_late()

    def ask(self, head: Head, body: Whole, deadline: float) -> Answer:
        """As of any broker; who comes when the model is gone does not wait for it."""
        if self.over is not None:
            return replace(self.over, headers=dict(self.over.headers))
        return super().ask(head, body, deadline)

    def end(self, answer: Answer) -> None:
        """Who still waits gets this answer; the process that ends now is none that died."""
        self.over = answer
        for job in self.asked.values():
            if not job.answer.ready():
                job.answer.set(answer)
        for lane in self.lanes:
            lane.state = "leaving"

    def kill_stuck(self) -> None:
        """Only the zygote may signal a model's process, which may be another user's."""
        if self.kill is not None and any(self._is_stuck(lane) for lane in self.lanes):
            say(f"a model's process {STUCK}, and is killed")
            self.kill()

    def _hear(self, lane: Lane, head: Head, body: bytes) -> None:
        super()._hear(lane, head, body)
        lane.index = 0  # for what is counted: models come and go, and no series shall be left
        if head["kind"] == "state" and self.heard is not None:
            self.heard(lane, head)


@dataclass(slots=True, eq=False)
class Model:
    """A model by its opaque name. Its state: loading, ready, unloading, gone."""

    number: int
    name: str
    url: str
    folder: Path
    broker: ModelBroker
    core: Invocations | None = None
    state: str = "loading"
    usage: Usage = field(default_factory=Usage)
    outcome: Event = field(default_factory=Event)  # loaded, or it cannot be
    over: Event = field(default_factory=Event)  # its process has ended, and so its memory is free
    gone: Event = field(default_factory=Event)  # nobody knows it any more
    failure: Answer | None = None
    reason: str = ""  # what its process said last
    wanted: bool = False  # its process shall run
    running: bool = False
    was_heard: bool = False  # this process
    was_ready: bool = False
    started: float = 0.0
    used_at: float = field(default_factory=time.monotonic)
    failures: int = 0
    load_failures: int = 0

    def heard(self, lane: Lane, head: Head) -> None:
        """News of its process."""
        self.was_heard = True
        if head["state"] == "failed":
            self.reason = head.get("reason", "")
        elif head["state"] == "ready":
            self.usage.ready(lane.pid, head["memory"])
            self.was_ready = True
            if self.state == "loading" and self.failure is None:
                self.state = "ready"
                self.used_at = time.monotonic()  # a slow loader is not the least recently used
            self.outcome.set()
        else:
            self.usage.pid = lane.pid

    def starts(self) -> None:
        """The zygote was asked for a process."""
        self.running, self.started = True, time.monotonic()
        self.was_heard = self.was_ready = False
        self.over.clear()

    def ended(self) -> None:
        """Its process is gone; what it said last may still be on its way."""
        self.running = False
        end = time.monotonic() + CLOSING
        while (self.broker.lanes or not self.was_heard) and time.monotonic() < end:
            gevent.sleep(0.005)
        self.over.set()

    def lasted(self) -> bool:
        """Whether its process served for long."""
        return self.was_ready and time.monotonic() - self.started > LASTING

    def fail(self, answer: Answer) -> Answer:
        """It is not loaded: who waits for it hears why."""
        if self.failure is None:
            self.failure = answer
        self.outcome.set()
        return self.failure

    def why(self, status: int) -> Answer:
        """What to say of a process that ended before it was ready."""
        if NO_MEMORY.search(self.reason):
            return error(507, "no_memory", f"the model {self.name!r}: {self.reason}")
        if status == 128 + signal.SIGKILL and not self.reason:
            text = f"the model {self.name!r} was killed while it was loaded: out of memory?"
            return error(507, "no_memory", text)
        reason = self.reason or f"its process ended{describe(status)}"
        return error(500, "cannot_load", f"the model {self.name!r} cannot be loaded: {reason}")
