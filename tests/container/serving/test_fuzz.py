"""Whatever comes in over the socket: never a dead process, never a 5xx that blames us.

Each test sends many bad requests to one real `serve`, then looks that the very same processes
still answer a good one.
"""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.container.serving.conftest import FRONTS
from tests.container.serving.serving_process import Serving, make_root, read_to_end

GOOD = (
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Length: 5\r\nConnection: close\r\n\r\nhello"
)
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
FUZZ = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", params=FRONTS)
def serving(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    root = make_root(tmp_path_factory.mktemp("fuzz") / "ml", "hashes")
    environ = {"BYOA_NGINX": str(request.param == "nginx"), "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1"}
    environ["BYOA_PLAYGROUND"] = "false"
    with Serving(root, environ) as running:
        yield running.wait_ready()


@contextmanager
def unharmed(serving: Serving) -> Iterator[None]:
    """The block kills no process and leaves none confused."""
    pids = sorted(serving.pids(""))
    yield
    assert STATUS.findall(serving.raw(GOOD)) == [b"200"]
    assert serving.ping().status == 200
    assert sorted(serving.pids("")) == pids, f"a process died:\n{serving.output()[-3000:]}"
    assert "Traceback" not in serving.output()


def blames_us(answer: bytes) -> bool:
    """An answer of 500 and above; its body is our JSON if there is one."""
    return any(status >= b"500" for status in STATUS.findall(answer))


def send(serving: Serving, data: bytes) -> bytes:
    """All that comes back; our side of the connection is closed after the last byte."""
    with serving.connect() as sock:
        sock.settimeout(20)
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_to_end(sock)


@FUZZ
@given(data=st.binary(max_size=2000))
@example(data=b"\r\n" * 50)
@example(data=b"\0" * 1000)
@example(data=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200)  # TLS
@example(data=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
@example(data=b"GET /ping\r\n\r\n")  # HTTP/0.9
def test_random_bytes(serving: Serving, data: bytes):
    assert not blames_us(send(serving, data))


@FUZZ
@given(
    cut=st.integers(0, len(GOOD)),
    position=st.integers(0, len(GOOD) - 1),
    byte=st.integers(0, 255),
    times=st.integers(1, 3),
)
def test_a_good_request_cut_mutated_and_repeated(
    serving: Serving, cut: int, position: int, byte: int, times: int
):
    assert not blames_us(send(serving, GOOD[:cut]))
    mutated = GOOD[:position] + bytes([byte]) + GOOD[position + 1 :]
    assert not blames_us(send(serving, mutated))
    assert not blames_us(send(serving, GOOD * times + mutated))


WORDS = rb"GET POST HEAD OPTIONS PUT TRACE CONNECT get"
TARGETS = (
    rb"/ /ping /invocations /invocations? /%00 /%zz /../../etc/passwd * http://x/ping x:80 //"
    rb" /invocations?a=%ff /error-400"
)
VERSIONS = rb"HTTP/1.1 HTTP/1.0 HTTP/2.0 HTTP/9.9 HTTP/1 X"
NAMES = (
    rb"Content-Length Transfer-Encoding Host Connection Expect Upgrade Content-Type Accept Range"
    rb" X-Amzn-SageMaker-Custom-Attributes X-Amzn-SageMaker-Session-Id X_under Te Trailer"
    rb" Content-Encoding X-Forwarded-For X-Forwarded-Proto Proxy"
)
VALUES = (
    rb"5 -1 0 99999999999999999999 chunked gzip,chunked identity chunked,chunked close keep-alive"
    rb" 100-continue nonsense h2c websocket bytes=0-1 NEW_SESSION text/plain;charset=x"
)
TOKEN = st.sampled_from([*WORDS.split(), b"", b"A" * 5000])
TARGET = st.sampled_from([*TARGETS.split(), b"/\xff", b"/" + b"a" * 20_000])
VERSION = st.sampled_from([*VERSIONS.split(), b""])
HEADER_NAME = st.sampled_from([*NAMES.split(), b" Host", b"", b"A" * 9000]) | st.binary(max_size=20)
HEADER_VALUE = st.sampled_from(
    [*VALUES.split(), b"x" * 9000, b"a\0b", b"\xff\xfe", b"", b"a\r\n b"]
) | st.binary(max_size=40)


@FUZZ
@given(
    line=st.tuples(TOKEN, TARGET, VERSION),
    headers=st.lists(st.tuples(HEADER_NAME, HEADER_VALUE), max_size=8),
    end=st.sampled_from([b"\r\n", b"\n", b"\r", b""]),
    body=st.one_of(st.binary(max_size=64), st.just(b"5\r\nhello\r\n0\r\n\r\n")),
)
@example(
    line=(b"POST", b"/invocations", b"HTTP/1.1"),
    headers=[(b"Content-Length", b"5"), (b"Content-Length", b"6")],
    end=b"\r\n",
    body=b"hello",
)
@example(
    line=(b"POST", b"/invocations", b"HTTP/1.1"),
    headers=[(b"X-%d" % n, b"v") for n in range(500)],
    end=b"\r\n",
    body=b"",
)
def test_abused_headers(
    serving: Serving,
    line: tuple[bytes, bytes, bytes],
    headers: list[tuple[bytes, bytes]],
    end: bytes,
    body: bytes,
):
    head = b" ".join(line) + end + b"".join(name + b": " + value + end for name, value in headers)
    assert not blames_us(send(serving, head + end + body))


def test_after_all_that_the_same_processes_answer(serving: Serving):
    with unharmed(serving):
        randomly = random.Random(0)
        for _ in range(30):
            send(serving, randomly.randbytes(randomly.randrange(3000)))
    assert len(serving.model_pids()) == 1
    assert "died" not in serving.output() and "Traceback" not in serving.output()


def test_every_refusal_is_json(serving: Serving):
    """Whoever notices, nginx or gunicorn or the app: a JSON error, never an HTML page."""
    for data, status in [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", None),  # no Host: 400 by one, 404 by the other
        (b"GET /ping HTTP/7.3\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /ping HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n", None),
        (GOOD.replace(b"Content-Length: 5", b"Transfer-Encoding: gzip"), 400),
        (GOOD.replace(b"Content-Length: 5", b"Content-Length: 5000000"), 413),
        (GOOD.replace(b"Content-Length: 5", b"Content-Length: five"), 400),
        (GOOD.replace(b"Content-Length: 5\r\n", b""), 411),
        (GOOD.replace(b"POST", b"DELETE"), 405),
        (GOOD.replace(b"/invocations", b"/elsewhere"), 404),
    ]:
        answer = serving.raw(data, shut=True)
        statuses = [int(each) for each in STATUS.findall(answer)]
        assert len(statuses) == 1 and 400 <= statuses[0] < 500, (data[:60], answer[:300])
        assert status in (None, statuses[0]), (data[:60], answer[:300])
        assert b"<html" not in answer.lower()
        assert b'{"error": {"code": "' in answer and b"application/json" in answer


def test_pipelined_requests_are_answered_in_order(serving: Serving):
    with unharmed(serving):
        one = GOOD.replace(b"Connection: close\r\n", b"").replace(b"hello", b"hell%d")
        answer = serving.raw(b"".join(one % n for n in range(9)) + GOOD)
        assert STATUS.findall(answer) == [b"200"] * 10
        digests = re.findall(rb"[0-9a-f]{64}", answer)
        assert len(set(digests)) == 10


@pytest.mark.parametrize("kind", ["head", "body"])
def test_slow_loris(serving: Serving, kind: str):
    """200 connections that send a byte now and then cost nobody else anything."""
    head, body = GOOD.split(b"hello", maxsplit=1)[0], b"hello"
    start = head[:20] if kind == "head" else head
    rest = head[20:] if kind == "head" else body
    with unharmed(serving):
        socks = [serving.connect() for _ in range(200)]
        for sock in socks:
            sock.sendall(start)
        for at in range(3):
            time.sleep(0.1)
            for sock in socks:
                sock.sendall(rest[at : at + 1])
            assert serving.ping().seconds < 1
            assert STATUS.findall(serving.raw(GOOD)) == [b"200"]
        for sock in socks:
            sock.close()


@pytest.mark.slow
def test_trickles_are_cut_off(serving: Serving):
    """A client that sends a byte a second is not waited for, neither its head nor its body."""
    with unharmed(serving), ThreadPoolExecutor(2) as pool:
        for answer in pool.map(lambda kind: trickled(serving, kind), ["head", "body"]):
            assert answer in (b"", None) or STATUS.findall(answer) == [b"408"]


def trickled(serving: Serving, kind: str) -> bytes | None:
    """What comes back in the end: 408, or the connection just ends.

    nginx's limit on bodies is between two bytes, so it does wait: None. It can afford that: the
    others are served meanwhile.
    """
    nginx_waits = kind == "body" and serving.environ["BYOA_NGINX"] == "True"
    promised = GOOD.replace(b"Content-Length: 5", b"Content-Length: 500")
    with serving.connect() as sock:
        sock.settimeout(1)
        sock.sendall(promised if kind == "body" else promised[:70])
        began = time.monotonic()
        while True:
            assert time.monotonic() - began < 30, "still waited for"
            if nginx_waits:
                assert STATUS.findall(serving.raw(GOOD)) == [b"200"]
                if time.monotonic() - began > 12:
                    return None
            try:
                sock.sendall(b"x")
                return sock.recv(4096)
            except TimeoutError:
                continue
            except ConnectionError:
                return b""


def test_clients_that_vanish(serving: Serving):
    """Connections reset while a request is read, queued or answered."""
    with unharmed(serving):
        for data in (GOOD[:30], GOOD[:-3], GOOD, GOOD * 5):
            for _ in range(20):
                sock = serving.connect()
                sock.sendall(data)
                sock.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )  # RST instead of FIN
                sock.close()
        time.sleep(0.3)
