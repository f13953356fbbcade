"""Processes that wait for the next event: warm for a while, as Lambda's, one event at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from byoa.plan.errors import ServiceError
from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.lambdas.runtime_api import Event
from byoa.sandbox.lambdas.worker import Outcome, Worker

#: This machine's, not Lambda's thousand: who comes later waits.
MOST_AT_ONCE = 16
WAIT_SECONDS = 60.0
#: How long a process without an event is kept.
IDLE_SECONDS = 300.0

Start = Callable[[Function], Worker]


class Pool:
    """Lends processes; ends those that nobody may use any more."""

    def __init__(self, start: Start, idle_seconds: float = IDLE_SECONDS) -> None:
        self.start, self.idle_seconds = start, idle_seconds
        self.lock = threading.Lock()
        self.room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.idle: dict[str, list[tuple[float, Worker]]] = {}
        self.busy: dict[tuple[str, str], int] = {}  #: (region, name) -> events on
        self.retired: dict[tuple[str, str], int] = {}  #: how often a function was changed

    def invoke(self, function: Function, event: Event, most: int | None = None) -> Outcome:
        """Runs an event in a warm process, or in a new one. `most` is a reserved concurrency."""
        of = (function.region, function.name)
        self.enter(of, most)
        try:
            if not self.room.acquire(timeout=WAIT_SECONDS):
                raise throttled("Rate Exceeded.")
            try:
                return self.run(function, event)
            finally:
                self.room.release()
        finally:
            with self.lock:
                self.busy[of] -= 1

    def enter(self, of: tuple[str, str], most: int | None) -> None:
        with self.lock:
            if most is not None and self.busy.get(of, 0) >= most:
                raise throttled(
                    "Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"
                )
            self.busy[of] = self.busy.get(of, 0) + 1

    def run(self, function: Function, event: Event) -> Outcome:
        of = (function.region, function.name)
        with self.lock:
            warm = self.idle.get(function.key, [])
            worker = warm.pop()[1] if warm else None
            age = self.retired.get(of, 0)
        if worker is None or worker.launched.process.poll() is not None:
            if worker is not None:
                worker.end()
            worker = self.start(function)
        try:
            return worker.invoke(event)
        finally:
            self.give_back(worker, age)

    def give_back(self, worker: Worker, age: int) -> None:
        function = worker.function
        if worker.dead:
            return
        with self.lock:
            current = self.retired.get((function.region, function.name), 0) == age
            if current:
                self.idle.setdefault(function.key, []).append((time.monotonic(), worker))
        if not current:
            worker.end()
            return
        timer = threading.Timer(self.idle_seconds + 0.1, self.end_idle)
        timer.daemon = True
        timer.start()

    def end_idle(self) -> None:
        self.end_those(lambda since, worker: time.monotonic() - since > self.idle_seconds)

    def end_all(self) -> None:
        """The sandbox goes down: those that wait go with it; `down` removes their files."""
        with self.lock:
            waiting = [worker for items in self.idle.values() for _, worker in items]
        for worker in waiting:
            worker.launched.kill()

    def retire(self, region: str, name: str) -> None:
        """The function was changed or deleted: what waits ends now, what works after its event."""
        with self.lock:
            self.retired[region, name] = self.retired.get((region, name), 0) + 1
        self.end_those(
            lambda since, worker: (worker.function.region, worker.function.name) == (region, name)
        )

    def end_those(self, wanted: Callable[[float, Worker], bool]) -> None:
        ended = []
        with self.lock:
            for key, waiting in list(self.idle.items()):
                ended += [worker for since, worker in waiting if wanted(since, worker)]
                self.idle[key] = [item for item in waiting if not wanted(*item)]
                if not self.idle[key]:
                    del self.idle[key]
        for worker in ended:
            worker.end()


def throttled(text: str, reason: str = "ConcurrentInvocationLimitExceeded") -> ServiceError:
    error = ServiceError("TooManyRequestsException", text, "Invoke", 429)
    error.response["Reason"] = reason
    return error
