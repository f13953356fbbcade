"""/ping: fast from the first moment, 503 with the reason until the model is ready, then 200."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.container.serving.conftest import Serve


def test_ping_tells_the_state_from_loading_to_ready(serve: Serve, tmp_path: Path, front: str):
    gate = tmp_path / "gate"
    environ = {"LOAD_SECONDS": "0", "SLOW_INDEX": "0", "GATE": str(gate)}
    serving = serve("slow_load", front=front, **environ)
    loading = serving.wait_ping(503)
    while loading.code == "starting":  # nginx alone, for a moment
        loading = serving.wait_ping(503)
    assert loading.code == "loading"
    assert loading.headers["x-byoa-reason"] == "loading"
    assert "0 of 1 model processes are ready" in loading.json["error"]["message"]
    assert serving.post().code == "loading"
    assert serving.post().headers["retry-after"]
    gate.touch()
    ready = serving.wait_ping(200)
    assert ready.body == b""
    assert "warmed up" in serving.output(), "ready came before the warm-up was over"
    assert serving.post().status == 200


def test_tcp_is_accepted_before_anything_is_loaded(serve: Serve, front: str):
    start = time.monotonic()
    serving = serve("slow_load", front=front, LOAD_SECONDS="30")
    while True:
        try:
            with socket.create_connection(("127.0.0.1", serving.port), timeout=5):
                break
        except ConnectionRefusedError:
            assert time.monotonic() - start < 10
            time.sleep(0.005)
    took = []
    for _ in range(5):  # the best of five: other tests run beside this one
        connected = time.monotonic()
        with socket.create_connection(("127.0.0.1", serving.port), timeout=5):
            took.append(time.monotonic() - connected)
    assert min(took) < 0.25, "SageMaker gives a connection 250 ms"


def test_ping_waits_for_all_processes(serve: Serve, tmp_path: Path):
    gate = tmp_path / "gate"
    environ = {"LOAD_SECONDS": "0", "SLOW_INDEX": "1", "GATE": str(gate)}
    serving = serve("slow_load", SAGEMAKER_MODEL_SERVER_WORKERS="2", **environ)
    serving.wait_output("model process 0 ready")
    reply = serving.wait_ping(503)
    while "(0: ready, 1: " not in reply.json["error"]["message"]:
        reply = serving.wait_ping(503)
    assert "1 of 2 model processes are ready" in reply.json["error"]["message"]
    gate.touch()
    serving.wait_ready()


def test_ping_is_fast_while_every_process_computes(serve: Serve, front: str):
    serving = serve("busy", front=front).wait_ready()
    posts = [serving.connect() for _ in range(8)]
    for sock in posts:
        sock.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 3\r\n\r\n0.3"
        )
    slowest = max(serving.ping().seconds for _ in range(50))
    for sock in posts:
        assert sock.recv(12) == b"HTTP/1.1 200"
        sock.close()
    assert slowest < 0.25, f"{slowest * 1000:.0f} ms"


def test_ping_is_not_in_the_access_log(serve: Serve):
    serving = serve("four_functions").wait_ready()
    serving.post()
    serving.ping()
    assert [line["path"] for line in serving.access_log()] == ["/invocations"]
