"""The queue's rules, with model processes that are greenlets at the other end of a socket pair."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import gevent
import pytest
from gevent import socket
from gevent.pool import Group

from container.serving import protocol
from container.serving.answers import Answer
from container.serving.broker import Broker
from container.serving.lanes import Limits, OverloadedError

LIMITS = Limits(
    queue_size=4, queue_bytes=1000, max_batch=1, batch_delay=0.0, processes=1, stuck=30.0
)


class Model:
    """One model process as the broker knows it: its end of the connection."""

    def __init__(self, broker: Broker, index: int = 0, batches: bool = False) -> None:
        self.sock, theirs = socket.socketpair()
        self.index = index
        self.batches = batches
        self.lane = gevent.spawn(broker.attend, theirs)

    def say(self, state: str) -> Model:
        head = {"kind": "state", "state": state, "index": self.index, "batches": self.batches}
        protocol.send(self.sock, head)
        gevent.sleep(0.01)
        return self

    def take(self) -> list[tuple[int, bytes]]:
        """The next batch: ids and bodies."""
        with gevent.Timeout(2):
            head, body = protocol.receive(self.sock, 1000)
            batch = [(head["id"], body)]
            for _ in range(head["following"]):
                head, body = protocol.receive(self.sock, 1000)
                batch.append((head["id"], body))
        return batch

    def answer(self, job: int, body: bytes, leaving: bool = False) -> None:
        head = {"kind": "answer", "id": job, "status": 200, "content_type": "x", "headers": {}}
        protocol.send(self.sock, {**head, "times": {}, "leaving": leaving}, body)
        gevent.sleep(0.01)

    def nothing_comes(self) -> bool:
        with gevent.Timeout(0.05, False):
            protocol.receive(self.sock, 1000)
            return False
        return True

    def die(self) -> None:
        self.sock.close()
        self.lane.join(2)


class Scene:
    """A broker, its model processes, and requests in flight."""

    def __init__(self, **changes: float) -> None:
        self.broker = Broker(replace(LIMITS, **changes))  # type: ignore[arg-type]
        self.models: list[Model] = []
        self.requests = Group()

    def model(self, state: str = "ready", index: int = 0, batches: bool = False) -> Model:
        self.models.append(Model(self.broker, index, batches))
        return self.models[-1].say(state)

    def ask(self, *bodies: bytes, seconds: float = 5.0) -> list[gevent.Greenlet]:
        deadline = time.monotonic() + seconds
        asked = [self.requests.spawn(self.broker.ask, {}, body, deadline) for body in bodies]
        gevent.sleep(0.01)
        return asked

    def end(self) -> None:
        for model in self.models:
            model.die()
        self.requests.kill()


@pytest.fixture
def set_up() -> Iterator[Callable[..., Scene]]:
    scenes: list[Scene] = []

    def make(**changes: float) -> Scene:
        scenes.append(Scene(**changes))
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.end()


SetUp = Callable[..., Scene]


def got(greenlet: gevent.Greenlet) -> Answer:
    answer = greenlet.get(timeout=2)
    assert isinstance(answer, Answer)
    return answer


def test_health_from_loading_to_gone(set_up: SetUp):
    scene = set_up(processes=2)
    broker = scene.broker
    assert broker.health()[1] == "loading"
    first, second = scene.model("loading", 0), scene.model("ready", 1)
    assert broker.health() == (
        False,
        "loading",
        "1 of 2 model processes are ready (0: loading, 1: ready)",
    )
    assert broker.accepting, "one is enough to answer"
    first.say("ready")
    assert broker.health()[0]
    first.die()
    assert broker.health()[0], "once ready, one is enough"
    second.die()
    assert broker.health()[:2] == (False, "restarting")
    broker.drain(1)
    assert broker.health()[:2] == (False, "draining")


def test_first_come_first_served(set_up: SetUp):
    scene = set_up()
    model = scene.model()
    asked = scene.ask(b"a", b"b", b"c")
    for body in (b"a", b"b", b"c"):
        ((job, received),) = model.take()
        assert received == body
        assert model.nothing_comes(), "one at a time"
        model.answer(job, body.upper())
    assert [got(each).body for each in asked] == [b"A", b"B", b"C"]
    assert got(asked[2]).times["queue"] >= 50


def test_batches_form_while_the_process_is_busy(set_up: SetUp):
    model = (scene := set_up(max_batch=3)).model(batches=True)
    scene.ask(b"a", b"b", b"c", b"d", b"e")
    sizes = []
    for _ in range(3):
        batch = model.take()
        sizes.append(len(batch))
        for job, body in batch:
            model.answer(job, body)
    assert sizes == [1, 3, 1]


def test_a_handler_without_batches_gets_one_at_a_time(set_up: SetUp):
    model = (scene := set_up(max_batch=3, batch_delay=5.0)).model(batches=False)
    scene.ask(b"a", b"b", b"c")
    assert len(model.take()) == 1


def test_the_delay_waits_for_a_full_batch_but_no_longer(set_up: SetUp):
    model = (scene := set_up(max_batch=3, batch_delay=1.0)).model(batches=True)
    scene.ask(b"a", b"b")
    assert model.nothing_comes()
    batch = model.take()
    assert [body for _, body in batch] == [b"a", b"b"]
    scene.ask(b"c", b"d", b"e")
    for job, body in batch:
        model.answer(job, body)
    start = time.monotonic()
    assert len(model.take()) == 3
    assert time.monotonic() - start < 0.5, "a full batch does not wait"


def test_what_a_dead_process_computed_is_tried_once_more_and_alone(set_up: SetUp):
    scene = set_up(max_batch=3, batch_delay=0.02)
    first = scene.model(batches=True)
    asked = scene.ask(b"a", b"b", b"c")
    assert len(first.take()) == 3
    first.die()
    second = scene.model(batches=True)
    for body in (b"a", b"b"):
        ((job, received),) = second.take()
        assert received == body
        second.answer(job, b"ok")
    assert second.take()[0][1] == b"c"
    second.die()
    assert [got(each).status for each in asked] == [200, 200, 500]
    assert b"model_process_died" in got(asked[2]).body


def test_answers_sent_before_a_process_died_count(set_up: SetUp):
    scene = set_up(max_batch=2, batch_delay=0.02)
    broker = scene.broker
    model = scene.model(batches=True)
    asked = scene.ask(b"a", b"b")
    (first, _), _ = model.take()
    model.answer(first, b"done")
    model.die()
    assert got(asked[0]).body == b"done"
    assert [job.body for job in broker.waiting] == [b"b"]


def test_a_leaving_process_gets_no_more(set_up: SetUp):
    scene = set_up()
    model = scene.model()
    scene.ask(b"a", b"b")
    model.answer(model.take()[0][0], b"", leaving=True)
    assert model.nothing_comes()
    successor = scene.model()
    assert successor.take()[0][1] == b"b"


def test_past_its_deadline_a_request_is_answered_and_never_sent(set_up: SetUp):
    scene = set_up()
    model = scene.model()
    scene.ask(b"slow")
    (late,) = scene.ask(b"late", seconds=0.1)
    answer = got(late)
    assert (answer.status, b"waiting for a model process" in answer.body) == (504, True)
    model.answer(model.take()[0][0], b"")
    assert model.nothing_comes()
    assert not scene.broker.waiting


def test_a_late_answer_is_nobodys(set_up: SetUp):
    scene = set_up()
    model = scene.model()
    (late,) = scene.ask(b"late", seconds=0.1)
    job = model.take()[0][0]
    assert got(late).status == 504
    model.answer(job, b"at last")
    (after,) = scene.ask(b"after")
    model.answer(model.take()[0][0], b"prompt")
    assert got(after).body == b"prompt"


def test_the_queue_is_bounded(set_up: SetUp):
    scene = set_up()
    model = scene.model()
    asked = scene.ask(*[b"x"] * 5)  # one computing, four waiting
    with pytest.raises(OverloadedError) as caught:
        scene.broker.ask({}, b"x", time.monotonic() + 1)
    assert 1 <= caught.value.retry_after <= 60
    with pytest.raises(OverloadedError), scene.broker.room(1):
        pass
    for _ in asked:
        model.answer(model.take()[0][0], b"")
    assert [got(each).status for each in asked] == [200] * 5


def test_bodies_are_bounded_in_bytes_but_one_always_fits(set_up: SetUp):
    scene = set_up()
    broker = scene.broker
    with broker.room(5000), pytest.raises(OverloadedError), broker.room(1):
        pass
    with broker.room(600):
        with pytest.raises(OverloadedError), broker.room(401):
            pass
        with broker.room(400):
            pass
    with broker.room(5000):
        pass


def test_drain_answers_what_is_left(set_up: SetUp):
    scene = set_up()
    asked = scene.ask(b"a", b"b")
    scene.broker.drain(0.05)
    for each in asked:
        answer = got(each)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert scene.broker.draining_until < math.inf
