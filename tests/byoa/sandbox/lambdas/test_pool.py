"""Who gets which process, and how long one is kept."""

from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from byoa.plan.errors import ServiceError
from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.lambdas.pool import Pool
from byoa.sandbox.lambdas.runtime_api import Event
from byoa.sandbox.lambdas.worker import Outcome

FUNCTION = Function(
    name="f", version="$LATEST", arn="arn", region="r", role="", handler="a.b",
    runtime="python3.13", memory=128, timeout=3, package="Zip", image="", log_group="g",
    log_format="Text", log_level="", environment={}, image_config={}, code=b"1",
)  # fmt: skip
EVENT = Event("id", b"{}", {})


class Process:
    """As much of a Popen as the pool asks for."""

    def poll(self) -> int | None:
        return None


class Launched:
    process: Any = Process()


class Worker:
    """Answers with its own number."""

    def __init__(self, function: Function, number: int, hold: threading.Event | None) -> None:
        self.function, self.number, self.hold = function, number, hold
        self.dead = self.ended = False
        self.launched: Any = Launched()

    def invoke(self, event: Event) -> Outcome:
        if self.hold is not None:
            assert self.hold.wait(30)
        return Outcome(str(self.number).encode())

    def end(self) -> None:
        self.ended = True


class Workers:
    def __init__(self) -> None:
        self.made: list[Worker] = []
        self.hold: threading.Event | None = None

    def __call__(self, function: Function) -> Any:
        self.made.append(Worker(function, len(self.made), self.hold))
        return self.made[-1]


def test_the_same_process_until_something_changes() -> None:
    workers = Workers()
    pool = Pool(workers)
    other = replace(FUNCTION, code=b"2")
    variables = replace(FUNCTION, environment={"A": "1"})
    given = [FUNCTION, FUNCTION, other, variables, FUNCTION]
    assert [pool.invoke(each, EVENT).payload for each in given] == [b"0", b"0", b"1", b"2", b"0"]
    pool.retire("r", "another")
    assert not any(worker.ended for worker in workers.made)
    pool.retire("r", "f")
    assert all(worker.ended for worker in workers.made)
    assert pool.invoke(FUNCTION, EVENT).payload == b"3"


def test_a_function_that_changes_during_an_event() -> None:
    workers = Workers()
    workers.hold = threading.Event()
    pool = Pool(workers)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(pool.invoke, FUNCTION, EVENT)
        while not workers.made:
            time.sleep(0.01)
        pool.retire("r", "f")
        assert not workers.made[0].ended
        workers.hold.set()
        assert answer.result(30).payload == b"0"
    assert workers.made[0].ended


def test_a_process_without_events_ends() -> None:
    workers = Workers()
    pool = Pool(workers, idle_seconds=0.05)
    pool.invoke(FUNCTION, EVENT)
    end = time.monotonic() + 30
    while not workers.made[0].ended and time.monotonic() < end:
        time.sleep(0.02)
    assert workers.made[0].ended
    assert pool.idle == {}


def test_no_more_than_are_reserved() -> None:
    workers = Workers()
    workers.hold = threading.Event()
    pool = Pool(workers)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(pool.invoke, FUNCTION, EVENT, 1)
        while not workers.made:
            time.sleep(0.01)
        with pytest.raises(ServiceError, match="Rate Exceeded"):
            pool.invoke(FUNCTION, EVENT, 1)
        workers.hold.set()
        answer.result(30)
    assert pool.invoke(FUNCTION, EVENT, 1).payload == b"0"


def test_a_process_that_died_while_it_waited_is_replaced() -> None:
    workers = Workers()
    pool = Pool(workers)
    pool.invoke(FUNCTION, EVENT)
    gone = subprocess.Popen(["true"])
    gone.wait()
    workers.made[0].launched = type("Gone", (), {"process": gone})
    assert pool.invoke(FUNCTION, EVENT).payload == b"1"
    assert workers.made[0].ended
