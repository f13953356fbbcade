"""Bodies that come piece by piece: small ones stay in memory, large ones lie in a file."""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.serving.received import IN_MEMORY, Received, RefusedError
from tests.container.serving.conftest import Serve
from tests.container.serving.serving_process import Serving, resident

MIB = 1 << 20
BINARY = {"Content-Type": "application/octet-stream"}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.binary(max_size=70), max_size=30), st.integers(0, 2000), st.data())
def test_what_comes_is_what_is_there(pieces: list[bytes], expected: int, data: st.DataObject):
    """Whatever was promised, whenever it moves from memory to a file."""
    filler = data.draw(st.sampled_from([b"", b"x" * (IN_MEMORY - 300)]))
    with Received(expected) as body:
        for piece in [filler, *pieces]:
            body.add(piece)
        whole = body.whole() if body.size else b""
    joined = filler + b"".join(pieces)
    assert len(whole) == body.size == len(joined)
    assert bytes(whole) == joined
    assert isinstance(whole, mmap.mmap) == (len(joined) > IN_MEMORY)


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc")  # a folder in which nobody writes
    with pytest.raises(RefusedError) as caught, Received(IN_MEMORY + 1):
        pass
    answer = caught.value.answer
    assert answer.status == 503 and b"no room for the body in /proc" in answer.body
    with pytest.raises(RefusedError), Received(0) as body:
        body.add(bytes(IN_MEMORY + 1))


def test_a_large_body_takes_no_memory_of_the_event_loop(serve: Serve, front: str):
    serving = serve("hashes", front=front, BYOA_SERVING_MODE="async").wait_ready()
    body = os.urandom(MIB) * 120
    serving.post(body[:MIB], BINARY)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(serving.post, body, BINARY)
        peak, slowest = watch(serving, asked.done)
        reply = asked.result()
    assert reply.body.decode() == hashlib.sha256(body).hexdigest()
    assert peak < 100 * MIB, "gunicorn with its libraries, and no body of 120 MiB"
    assert slowest < 1.0
    assert open_files(serving) == [], "the file is gone with the request"


def watch(serving: Serving, done) -> tuple[int, float]:
    """The most anonymous memory that the event loop's process had, the slowest /ping."""
    (pid,) = serving.pids("container.serving.gateway")[-1:]
    peak, slowest = 0, 0.0
    while not done():
        peak = max(peak, anonymous(pid))
        slowest = max(slowest, serving.ping().seconds)
    return peak, slowest


def anonymous(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(resident(pid))


def open_files(serving: Serving) -> list[str]:
    """Files without a name that the event loop's process has open or mapped."""
    (pid,) = serving.pids("container.serving.gateway")[-1:]
    end = time.monotonic() + 5
    while time.monotonic() < end:
        mapped = Path(f"/proc/{pid}/maps").read_text().splitlines()
        opened = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
        found = [line for line in [*mapped, *opened] if "(deleted)" in line and "/tmp" in line]
        if not [line for line in found if "wgunicorn" not in line]:
            return []
    return found


def test_chunks_without_a_length_go_to_the_file_too(serve: Serve):
    serving = serve("hashes", SAGEMAKER_MAX_PAYLOAD_IN_MB="40").wait_ready()
    piece = os.urandom(MIB)
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += b"Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (MIB, piece)
    answer = serving.raw(head + chunk * 35 + b"0\r\n\r\n")
    assert answer.endswith(hashlib.sha256(piece * 35).hexdigest().encode())
    assert b" 413 " in serving.raw(head + chunk * 41 + b"0\r\n\r\n")[:20]
