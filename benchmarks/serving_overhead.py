"""What `serve` itself costs: a predictor that does nothing, a 100 KB body, over keep-alive.

    python benchmarks/serving_overhead.py [--seconds 5] [--size 100000]

Starts the real `serve` twice, behind nginx (where it is on PATH) and without, and prints p50, p99
and requests a second at 1 and at 16 connections. The clients share this machine's cores with the
server, so the figures are a floor. The goal at one connection: p50 <= 1 ms, p99 <= 3 ms.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
from gevent import socket

SERVE = Path(__file__).resolve().parents[1] / "container" / "bin" / "serve"
PREDICTOR = """
def model_fn(model_dir):
    return None


def transform_fn(model, data, content_type, accept):
    return b"{}", "application/json"
"""


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=100_000)
    chosen = parser.parse_args()
    print(f"{'front':10} {'clients':>7} {'p50 ms':>8} {'p99 ms':>8} {'req/s':>8} {'errors':>7}")
    for front in ("nginx", "gunicorn"):
        if front == "nginx" and shutil.which("nginx") is None:
            print("nginx      is not on PATH")
            continue
        with serving(front) as port:
            measure(port, 1, 1.0, chosen.size)
            for connections in (1, 16):
                times, errors = measure(port, connections, chosen.seconds, chosen.size)
                print(
                    f"{front:10} {connections:7} {percentile(times, 50):8.2f}"
                    f" {percentile(times, 99):8.2f} {len(times) / chosen.seconds:8.0f} {errors:7}"
                )


@contextmanager
def serving(front: str) -> Iterator[int]:
    """A running `serve` with a predictor that does nothing; gives its port."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        code = Path(folder) / "model" / "code"
        code.mkdir(parents=True)
        (code / "inference.py").write_text(PREDICTOR)
        environ = {
            **os.environ,
            "SAGEMAKER_BASE_DIR": folder,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
            "BYOA_NGINX": str(front == "nginx"),
        }
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(SERVE)], env=environ, stdout=log, stderr=log
            )
            try:
                wait_ready(port)
                yield port
            finally:
                process.terminate()
                process.wait()


def wait_ready(port: int) -> None:
    """Until /ping says 200, 30 s at most."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise SystemExit("serve did not become ready")


def measure(port: int, connections: int, seconds: float, size: int) -> tuple[list[float], int]:
    """Milliseconds of every answer of `connections` clients that post without a pause."""
    head = (
        "POST /invocations HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-image\r\n"
        f"Content-Length: {size}\r\n\r\n"
    )
    request = head.encode() + os.urandom(size)
    end = time.perf_counter() + seconds
    times: list[float] = []
    errors = 0

    def client() -> None:
        nonlocal errors
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, sock.makefile("rb") as answers:
            while time.perf_counter() < end:
                start = time.perf_counter()
                sock.sendall(request)
                errors += read_status(answers) != 200
                times.append((time.perf_counter() - start) * 1000)

    gevent.joinall([gevent.spawn(client) for _ in range(connections)], raise_error=True)
    return times, errors


def read_status(answers: socket.SocketIO) -> int:
    """Read one answer, give its status."""
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    answers.read(length)
    return status


def percentile(values: list[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


if __name__ == "__main__":
    main()
