"""A task that fetches a file: all of it or nothing, and only what was asked for."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from byoa.pipeline.kinds.transfer import source_text
from byoa.pipeline.order import File, Order
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import Task

BLOCK = 1 << 20
#: Seconds without a byte end it; how long all of it may take is the task's `timeout`.
IDLE = 60.0


def run(task: Task, order: Order) -> None:
    """Fetches an http(s) address; `sha256` says what it has to be, `max_mb` how much at most."""
    place = order.product
    if not isinstance(place, File):
        raise TaskError(f"Task {task.name!r} downloads one file; its product is {place}.")
    url = source_text(task, order)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TaskError(
            f"Task {task.name!r} downloads from http:// and https:// addresses, not {shown(url)!r}."
        )
    fetch(url, place, limit(task))
    wanted = str(task.options.get("sha256") or "").lower()
    if wanted and wanted != (found := digest(place)):
        place.unlink()
        raise TaskError(f"{shown(url)} is not what it was: its sha256 is {found}, not {wanted}.")


def fetch(url: str, path: Path, most: int | None) -> None:
    begun = time.monotonic()
    request = urllib.request.Request(url, headers={"User-Agent": "byoa"})
    with urllib.request.urlopen(request, timeout=IDLE) as answer:
        size = int(answer.headers.get("Content-Length") or -1)
        check(url, size, most)
        done = 0
        with path.open("wb") as target:
            for block in blocks(answer):
                done += target.write(block)
                check(url, done, most)
    if size not in {-1, done}:
        path.unlink()
        raise ConnectionError(f"{shown(url)}: {done} bytes came of {size}.")
    print(f"{done} bytes from {shown(url)} in {time.monotonic() - begun:.1f} s", flush=True)


def blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := answer.read(BLOCK):
        yield block


def check(url: str, size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise TaskError(f"{shown(url)} has more than {most / 1e6:g} MB, which max_mb allows.")


def limit(task: Task) -> int | None:
    most = task.options.get("max_mb")
    if most is None:
        return None
    if not isinstance(most, int | float) or isinstance(most, bool) or most <= 0:
        raise TaskError(f"max_mb of {task.name} is {most!r}. Write a number above 0.")
    return int(most * 1_000_000)


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def shown(url: str) -> str:
    """An address without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "..." if parts.query else "", ""))
