"""What one connection can do to the others, in the process that serves them all."""

from __future__ import annotations

from types import SimpleNamespace

import gevent
import pytest
from gevent import socket
from gunicorn.config import Config

from container.serving.answers import Answer
from container.serving.bodies import too_large
from container.serving.broker import Broker
from container.serving.http_worker import HttpWorker
from container.serving.invocations import Invocations, Request
from container.serving.lanes import Limits
from container.serving.patience import Patience
from container.serving.received import RefusedError
from container.serving.settings import Settings

LIMITS = Limits(
    queue_size=4, queue_bytes=1000, max_batch=1, batch_delay=0.0, processes=1, stuck=30.0
)
PINGS = 200


class PromisedBody:
    """Never comes: what it is asked says how much room others have meanwhile."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.others_had_room = False

    def read(self, limit: int) -> bytes:
        self.discard()
        raise RefusedError(too_large(limit))

    def discard(self) -> None:
        with self.broker.room(1000):
            self.others_had_room = True


def test_a_promise_of_too_much_takes_no_room_from_others():
    broker = Broker(LIMITS)
    broker.was_ready = True
    body = PromisedBody(broker)
    request = Request({}, {}, 10**15, body)
    answer = Invocations(Settings.from_environment({}), broker).answer(request)
    assert (answer.status, body.others_had_room) == (413, True)


def test_requests_sent_at_once_let_others_in_between():
    worker = HttpWorker.__new__(HttpWorker)
    worker.cfg, worker.alive = Config(), True
    worker.patience = worker.sending = Patience()
    core = SimpleNamespace(ping=lambda: Answer(200, b"", "text/plain"))
    worker.wsgi = SimpleNamespace(extensions={"invocations": core})
    ours, theirs = socket.socketpair()
    turns = 0

    def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    with ours, theirs:
        theirs.sendall(b"GET /ping HTTP/1.1\r\n\r\n" * PINGS)
        theirs.shutdown(socket.SHUT_WR)
        neighbour = gevent.spawn(other)
        worker._converse("", ours, "")
        neighbour.kill()
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < PINGS:
            received += theirs.recv(1 << 16)
    assert turns > PINGS / 2


class Talkative:
    """Answers more than a kernel holds."""

    many = False

    def answer(self, request: Request) -> Answer:
        """To any request."""
        return Answer(200, b"x" * 8_000_000, "text/plain")

    def answer_at(self, path: str, request: Request) -> Answer:
        """To any path."""
        return self.answer(request)


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("container.serving.patience.TICK", 0.02)
    monkeypatch.setattr("container.serving.sending.SECONDS", 0.1)
    worker = HttpWorker.__new__(HttpWorker)
    worker.cfg, worker.alive = Config(), True
    worker.patience, worker.sending = Patience(), Patience(socket.SHUT_RDWR)
    worker.wsgi = SimpleNamespace(extensions={"invocations": Talkative()})
    watch = gevent.spawn(worker.sending.watch)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"POST /invocations HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(TimeoutError):
            worker._converse("", ours, "")
    watch.kill()
