"""What HTTP can carry, and the limits: payload, time, queue. Behind nginx and without."""

from __future__ import annotations

import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.container.serving.conftest import HAS_NGINX, Serve
from tests.container.serving.serving_process import Serving, make_root

MIB = 1 << 20
BINARY = {"Content-Type": "application/octet-stream"}
HEAD = (
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    b"Connection: close\r\n"
)


def status_of(raw: bytes) -> int:
    assert raw.startswith(b"HTTP/1.1 "), raw[:200]
    return int(raw[9:12])


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def test_bodies_arrive_whole(serve: Serve, front: str):
    serving = serve("hashes", front=front).wait_ready()
    for size in (0, 1, 70_000, MIB + 1, 25 * MIB):
        body = os.urandom(size)
        reply = serving.post(body, BINARY)
        assert (reply.status, reply.body.decode()) == (200, hashlib.sha256(body).hexdigest())
        if size < 2 * MIB:
            echo = serving.post(body, {**BINARY, "Accept": "application/echo"})
            assert echo.body == body
    big = serving.post(body, {**BINARY, "Accept": "application/echo"})
    assert big.body == body


def test_chunked_bodies_and_expect_continue(serve: Serve, front: str):
    serving = serve("hashes", front=front).wait_ready()
    body = os.urandom(200_000)
    expected = hashlib.sha256(body).hexdigest().encode()
    pieces = [body[at : at + 7_777] for at in range(0, len(body), 7_777)]
    answer = serving.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*pieces))
    assert status_of(answer) == 200 and answer.endswith(expected)
    empty = serving.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked())
    assert status_of(empty) == 200
    with serving.connect() as sock:
        sock.sendall(HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        assert sock.recv(12) == b"HTTP/1.1 100"
        sock.sendall(body)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    assert b"HTTP/1.1 200" in received and received.endswith(expected)


def test_payload_limit(serve: Serve, front: str):
    serving = serve("hashes", front=front, SAGEMAKER_MAX_PAYLOAD_IN_MB="1").wait_ready()
    assert serving.post(b"x" * MIB, BINARY).status == 200
    for size in (MIB + 1, 3 * MIB):
        reply = serving.post(b"x" * size, BINARY)
        assert (reply.status, reply.code) == (413, "too_large")
        assert "1 MiB (SAGEMAKER_MAX_PAYLOAD_IN_MB)" in reply.json["error"]["message"]
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*[b"x" * 100_000] * 20)
    assert status_of(serving.raw(data)) == 413
    huge = HEAD + b"Content-Length: 99999999999\r\n\r\n"
    assert status_of(serving.raw(huge + b"x" * 1000)) == 413
    assert serving.post(b"x", BINARY).status == 200


def test_lengths_that_are_missing_or_wrong(serve: Serve, front: str):
    serving = serve("hashes", front=front).wait_ready()
    assert status_of(serving.raw(HEAD + b"\r\n")) == 411
    for length in (b"-1", b"abc", b"1e3", b"0x10", b"1, 2", b"+5", b"\xd9\xa1", b"9" * 30):
        answer = serving.raw(HEAD + b"Content-Length: " + length + b"\r\n\r\nhello")
        assert 400 <= status_of(answer) < 500, (length, answer)
    both = HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello")
    assert status_of(serving.raw(both)) == 400
    short = serving.raw(HEAD + b"Content-Length: 50\r\n\r\nhello", shut=True)
    assert short == b"" or status_of(short) == 400
    for bad in (b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n"):
        answer = serving.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + bad, shut=True)
        assert answer == b"" or 400 <= status_of(answer) < 500, (bad, answer)
    assert serving.post(b"x", BINARY).status == 200


def test_other_routes_and_methods(serve: Serve, front: str):
    serving = serve("four_functions", front=front, BYOA_PLAYGROUND="false").wait_ready()
    for method, path, status, code in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/invocations", 405, "method_not_allowed"),
        ("PUT", "/invocations", 405, "method_not_allowed"),
        ("POST", "/ping", 405, "method_not_allowed"),
        ("TRACE", "/ping", 405, "method_not_allowed"),
        ("GET", "/models", 404, "not_found"),
    ]:
        reply = serving.request(method, path)
        assert (reply.status, reply.code) == (status, code), (method, path)
    assert "POST" in serving.request("GET", "/invocations").headers["allow"]
    assert serving.request("HEAD", "/ping").status == 200
    session = serving.post(headers={"X-Amzn-SageMaker-Session-Id": "NEW_SESSION"})
    assert (session.status, session.code) == (400, "no_sessions")


def test_execution_parameters(serve: Serve):
    serving = serve(
        "four_functions", SAGEMAKER_BATCH="True", SAGEMAKER_MODEL_SERVER_WORKERS="3"
    ).wait_ready()
    assert serving.request("GET", "/execution-parameters").json == {
        "MaxConcurrentTransforms": 3,
        "BatchStrategy": "SINGLE_RECORD",
        "MaxPayloadInMB": 33,
    }


def sleep(serving: Serving, seconds: float):
    return serving.post(json.dumps({"do": "sleep", "seconds": seconds}).encode())


def test_deadline(serve: Serve, front: str):
    serving = serve("told", front=front, SAGEMAKER_MODEL_SERVER_TIMEOUT="1.2").wait_ready()
    with ThreadPoolExecutor(3) as pool:
        computing = pool.submit(sleep, serving, 2.2)
        time.sleep(0.3)  # it has begun: the next one has to wait for it
        waiting = pool.submit(sleep, serving, 0)
        for reply in (computing.result(), waiting.result()):
            assert (reply.status, reply.code) == (504, "deadline")
            assert 1.1 < reply.seconds < 2.1
    after = sleep(serving, 0)  # the process computes on until 2.2 s; what waited is dropped
    assert after.status == 200


def test_a_process_that_never_comes_back_is_replaced(serve: Serve):
    serving = serve(
        "told", SAGEMAKER_MODEL_SERVER_TIMEOUT="0.3", BYOA_STUCK_SECONDS="0.5"
    ).wait_ready()
    assert sleep(serving, 1000).code == "deadline"
    serving.wait_output("restarting it")
    log = serving.output()
    assert "serve: model process 0 still computes what nobody waits for" in log
    assert "in predict_fn" in log, "the frames of who hangs"
    serving.wait_output("ready in", 10)
    serving.wait_ping(200)
    assert sleep(serving, 0).status == 200


def test_a_full_queue_says_when_to_come_back(serve: Serve, front: str):
    serving = serve("told", front=front, BYOA_QUEUE_SIZE="3").wait_ready()
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: sleep(serving, 0.3), range(12)))
    statuses = [reply.status for reply in replies]
    assert set(statuses) == {200, 503}
    assert 4 <= statuses.count(200) <= 8, "one computing, three waiting; and again while they do"
    for reply in replies:
        if reply.status == 503:
            assert reply.code == "overloaded"
            assert 1 <= int(reply.headers["retry-after"]) <= 60
            assert reply.seconds < 0.5, "at once"
    assert sleep(serving, 0).status == 200


def test_the_queue_is_bounded_in_bytes_too(serve: Serve):
    serving = serve("told", BYOA_QUEUE_MB="3").wait_ready()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(sleep, serving, 0.8)
        serving.wait_ping(200)
        big = [pool.submit(serving.post, b"x" * MIB, BINARY) for _ in range(8)]
        statuses = [future.result().status for future in big]
        assert first.result().status == 200
    assert statuses.count(200) <= 3 and statuses.count(503) >= 5
    assert serving.post(b"x" * 5 * MIB, BINARY).status == 200, "one alone always fits"


@pytest.mark.parametrize("name", ["SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_MODEL_SERVER_WORKERS"])
def test_nonsense_in_the_environment_is_refused_at_once(serve: Serve, name: str):
    serving = serve("told", **{name: "many"})
    assert serving.wait_end(5) == 2
    assert serving.output() == f"serve: {name} is 'many', which is not a whole number: set one\n"


def test_a_port_that_is_taken(serve: Serve, front: str):
    first = serve("told", front=front).wait_ready()
    second = serve("told", front=front, SAGEMAKER_BIND_TO_PORT=str(first.port))
    assert second.wait_end(5) == 2
    assert f"port {first.port} cannot be used: Address already in use" in second.output()


@pytest.mark.skipif(not HAS_NGINX, reason="nginx is not on PATH")
def test_what_nginx_refuses_is_in_the_access_log_too(tmp_path: Path):
    root = make_root(tmp_path / "ml", "hashes")
    environ = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "1"}
    reader, writer = os.pipe()  # as docker gives it: a log file would not be opened a second time
    with Serving(root, environ, stdout=writer) as serving, os.fdopen(reader) as pipe:
        os.close(writer)
        serving.wait_ready()
        assert serving.post(b"x" * 2 * MIB, BINARY).status == 413
        line = next(line for line in pipe if line.startswith('{"time"'))
        assert json.loads(line)["status"] == 413
        assert json.loads(line)["path"] == "/invocations"
        assert json.loads(line)["by"] == "nginx"


def test_a_misspelt_setting_is_told(serve: Serve):
    serving = serve("told", BYOA_QUEUE_SZIE="7")
    serving.wait_output("BYOA_QUEUE_SZIE is no setting: did you mean BYOA_QUEUE_SIZE?")
