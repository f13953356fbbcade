"""The short way of reading requests: what it takes, and that it leaves all else to gunicorn."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import gevent
import pytest
from gevent import socket
from hypothesis import given, settings
from hypothesis import strategies as st

from container.serving import fast_http, received
from container.serving.answers import Answer
from container.serving.patience import Patience
from container.serving.protocol import JOIN_BELOW

HEAD = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nAccept:\ttext/csv \r\n\r\n"


def test_an_ordinary_request():
    head = fast_http.parse(HEAD + b"hello")
    assert head is not None
    assert head.headers == {"host": "x", "content-length": "5", "accept": "text/csv"}
    assert (head.is_ping, head.length, head.size) == (False, 5, len(HEAD))
    ping = fast_http.parse(b"GET /ping HTTP/1.1\r\n\r\n")
    assert ping is not None and ping.is_ping and ping.headers == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD[:-2],
        HEAD.replace(b"POST", b"PUT"),
        HEAD.replace(b"/invocations", b"/invocations?a=1"),
        HEAD.replace(b"/invocations", b"/ping"),
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HEAD.replace(b"Host: x", b"Connection: close"),
        HEAD.replace(b"Host: x", b"Transfer-Encoding: chunked"),
        HEAD.replace(b"Host: x", b"Expect: 100-continue"),
        HEAD.replace(b"Host: x", b"Content-Length: 5"),
        HEAD.replace(b"Host: x", b"X-Forwarded-Proto: http\r\nX-Forwarded-Ssl: on"),
        HEAD.replace(b"Host: x", b"Ho st: x"),
        HEAD.replace(b"Host: x", b"Host : x"),
        HEAD.replace(b"Host: x", b"Under_score: x"),
        HEAD.replace(b"Host: x", b"Host: x\r\n folded"),
        HEAD.replace(b"Host: x", b"Host: x\ny"),
        HEAD.replace(b"Host: x", b"Host: \0"),
        HEAD.replace(b"Host: x", b"A: " + b"a" * fast_http.MAX_HEAD),
        HEAD.replace(b"Host: x", b"\r\n".join(b"A%d: x" % n for n in range(65))),
        HEAD.replace(b": 5", b": +5"),
        HEAD.replace(b": 5", b": "),
        HEAD.replace(b": 5", b": \xb2"),
        HEAD.replace(b"Content-Length: 5\r\n", b""),
        b"GET /ping HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
    ],
)
def test_what_is_out_of_the_ordinary_is_gunicorns(data: bytes):
    assert fast_http.parse(data) is None


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(at=st.integers(0, len(HEAD) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_as_it_is_or_not_at_all(at: int, byte: int):
    head = fast_http.parse(HEAD[:at] + bytes([byte]) + HEAD[at + 1 :])
    assert head is None or (len(head.headers) == 3 and head.headers["content-length"].isdecimal())


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def body(sock: socket.socket, length: int, data: bytes) -> fast_http.SocketBody:
    return fast_http.SocketBody(sock, Patience(), length, data, 0)


def test_a_body_ends_where_its_length_says(pair: Pair):
    whole = body(pair[0], 5, b"helloNEXT")
    assert (whole.read(10), whole.rest, whole.complete()) == (b"hello", b"NEXT", True)
    gevent.spawn(lambda: [pair[1].sendall(each) for each in (b"lo", b" wor", b"ldNEXT")])
    longer = body(pair[0], 11, b"hel")
    assert (longer.read(11), longer.rest, longer.complete()) == (b"hello world", b"", True)
    assert pair[0].recv(9) == b"NEXT"


def test_bodies_that_are_refused(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    too_long = body(pair[0], 50, b"hello")
    pair[1].sendall(b"x" * 45)
    with pytest.raises(received.RefusedError) as caught:
        too_long.read(49)
    assert caught.value.answer.status == 413
    assert too_long.complete(), "read on, for the client to see the answer"
    monkeypatch.setattr(fast_http, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr("container.serving.patience.TICK", 0.01)
    slow = body(pair[0], 50, b"hello")
    watch = gevent.spawn(slow.patience.watch)
    with pytest.raises(received.RefusedError) as caught:
        slow.read(50)
    watch.kill()
    assert caught.value.answer.status == 408
    assert not slow.patience.deadlines


def test_a_body_that_was_cut_off(pair: Pair):
    cut = body(pair[0], 50, b"hello")
    pair[1].close()
    with pytest.raises(received.RefusedError) as caught:
        cut.read(50)
    assert b"Content-Length says 50 bytes, 5 came" in caught.value.answer.body


@pytest.mark.parametrize("size", [0, 7, JOIN_BELOW, 3_000_000])
def test_an_answer_is_written_whole(pair: Pair, size: int):
    answer = Answer(200, b"x" * size, "text/csv", {"X-One": "1"})
    sender = gevent.spawn(fast_http.send, pair[0], Patience(), answer, True)
    head, _, content = receive(pair[1], size).partition(b"\r\n\r\n")
    assert sender.get(timeout=2) is True
    assert content == answer.body
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert {"Connection: keep-alive", "Content-Type: text/csv", "X-One: 1"} < set(lines)
    assert f"Content-Length: {size}" in lines


def receive(sock: socket.socket, size: int) -> bytes:
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < size or b"\r\n\r\n" not in received:
        received += sock.recv(1 << 20)
    return received


def test_an_answer_without_a_body_and_the_last_one(pair: Pair):
    assert fast_http.send(pair[0], Patience(), Answer(204, b"ignored"), False) is False
    text = pair[1].recv(1000)
    assert text.startswith(b"HTTP/1.1 204 NO CONTENT\r\n") and text.endswith(b"\r\n\r\n")
    assert b"Connection: close" in text and b"Content-Length" not in text
    last = Answer(413, b"x", headers={"Connection": "close"})
    assert fast_http.send(pair[0], Patience(), last, True) is False
    assert pair[1].recv(1000).count(b"Connection: close") == 1


def test_patience_ends_only_who_is_late(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("container.serving.patience.TICK", 0.01)
    patience = Patience()
    watch = gevent.spawn(patience.watch)
    began = time.monotonic()
    (late, _a), (early, other) = socket.socketpair(), socket.socketpair()
    with patience.for_seconds(early, 5.0):
        with pytest.raises(TimeoutError), patience.for_seconds(late, 0.05):
            late.recv(1)
        assert 0.04 < time.monotonic() - began < 2
        other.sendall(b"x")
        assert early.recv(1) == b"x"
    watch.kill()
    for sock in itertools.chain((late, _a), (early, other)):
        sock.close()
