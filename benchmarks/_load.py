"""Load for the serving benchmarks: wrk where it is on PATH, else clients on gevent.

wrk is C: at equal speed it takes a tenth of the processor that clients in Python take, so it is the
server that is measured.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "image/jpeg"
wrk.body = io.open("BODY", "rb"):read("*a")
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run: milliseconds, requests a second, errors."""

    p50: float
    p99: float
    rate: float
    errors: int


def picture(size: int = 100_000) -> bytes:
    """A JPEG of about so many bytes: noise, as rough as it takes."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    for quality in range(5, 96):
        file = io.BytesIO()
        Image.fromarray(noise).resize((640, 480), Image.Resampling.BOX).save(
            file, "JPEG", quality=quality
        )
        if file.tell() >= size:
            break
    return file.getvalue()


def post(port: int, path: str, body: bytes, connections: int, seconds: int) -> Load:
    """POST this body over so many connections, each without a pause."""
    if shutil.which("wrk") is None:
        return _with_gevent(port, path, body, connections, seconds)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "body").write_bytes(body)
        script = Path(folder) / "post.lua"
        script.write_text(SCRIPT.replace("BODY", f"{folder}/body"))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}{path}"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.strip().splitlines()[-1])
    rate = found["requests"] / found["seconds"]
    return Load(found["p50"], found["p99"], rate, found["errors"])


def _with_gevent(port: int, path: str, body: bytes, connections: int, seconds: int) -> Load:
    arguments = [str(port), path, str(connections), str(seconds)]
    said = subprocess.run(
        [sys.executable, __file__, *arguments], input=body, check=True, capture_output=True
    ).stdout
    return Load(**json.loads(said))


def main() -> None:
    """The clients on gevent: PORT PATH CONNECTIONS SECONDS, the body on stdin, a Load as JSON."""
    import time

    import gevent
    from gevent import socket

    import measure

    port, path, connections, seconds = sys.argv[1:]
    body = sys.stdin.buffer.read()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: image/jpeg\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    end = time.perf_counter() + float(seconds)
    times: list[float] = []
    errors = 0

    def client() -> None:
        nonlocal errors
        with socket.create_connection(("127.0.0.1", int(port))) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = sock.makefile("rb")
            while time.perf_counter() < end:
                start = time.perf_counter()
                sock.sendall(request)
                errors += read_status(answers) != 200
                times.append((time.perf_counter() - start) * 1000)

    gevent.joinall([gevent.spawn(client) for _ in range(int(connections))], raise_error=True)
    p50, p99 = (measure.percentile(times, percent) for percent in (50, 99))
    found = {"p50": p50, "p99": p99, "rate": len(times) / float(seconds), "errors": errors}
    print(json.dumps(found))


def read_status(answers: io.BufferedReader) -> int:
    """Read one answer, give its status."""
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    answers.read(length)
    return status


if __name__ == "__main__":
    main()
