"""Who does not read his answer is given up; who reads slowly is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import gevent
import pytest
from gevent import socket

from container.serving import sending
from container.serving.patience import Patience

LARGE = b"x" * 8_000_000  # more than the kernel holds for both sides
SMALL_BUFFER = (socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patience]:
    """One that gives up after a fifth of a second."""
    monkeypatch.setattr("container.serving.patience.TICK", 0.02)
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    patience = Patience(socket.SHUT_RDWR)
    watch = gevent.spawn(patience.watch)
    yield patience
    watch.kill()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
        ours.setsockopt(*SMALL_BUFFER)
        with ours, theirs:
            yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def test_who_does_not_read_is_given_up(pair: Pair, patience: Patience):
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        sending.deliver(pair[0], patience, (b"head", LARGE))
    assert 0.15 < time.monotonic() - began < 10
    assert not patience.deadlines
    pair[0].close()
    with pytest.raises(ConnectionResetError):  # and the kernel keeps nothing for it
        while pair[1].recv(1 << 20):
            pass


def test_who_reads_slowly_gets_it_all(pair: Pair, patience: Patience):
    """Longer in all than the limit, which is for a single piece."""
    body = LARGE[:1_500_000]
    sender = gevent.spawn(sending.deliver, pair[0], patience, (b"head", body))
    began, got = time.monotonic(), 0
    while got < 4 + len(body):
        if time.monotonic() - began < 0.5:
            gevent.sleep(0.05)
        got += len(pair[1].recv(1 << 16))
    assert time.monotonic() - began > 0.5
    sender.get(timeout=2)


def test_gunicorns_answers_have_the_same_limit(pair: Pair, patience: Patience):
    sock = sending.PatientSocket(pair[0], patience)
    assert sock.fileno() == pair[0].fileno()
    with pytest.raises(TimeoutError):
        sock.sendall(LARGE)


def test_a_client_that_went_away_is_no_timeout(pair: Pair, patience: Patience):
    pair[1].close()
    with pytest.raises(ConnectionError):
        sending.deliver(pair[0], patience, (LARGE,))


def test_a_kernel_that_has_no_room_at_first(patience: Patience):
    """The first call takes nothing at all: an answer of before still lies there."""
    sent: list[bytes] = []

    def full(*_: object) -> int:
        raise BlockingIOError

    def send(rest: memoryview) -> int:
        sent.append(bytes(rest[:3]))
        return min(3, len(rest))

    sock = SimpleNamespace(sendmsg=full, send=send)
    sending.deliver(Hashable(sock), patience, (b"head", b"body"))
    assert b"".join(sent) == b"headbody"


class Hashable:
    """A socket made up for a test, as a key."""

    def __init__(self, sock: SimpleNamespace) -> None:
        self.sendmsg, self.send = sock.sendmsg, sock.send
