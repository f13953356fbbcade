"""HTTP as nearly all clients write it, read and written at a third of the general parser's cost.

`parse` knows two request lines and a narrow form of headers. Whatever it does not know for sure,
it leaves alone: gunicorn's parser reads those bytes from their beginning and decides. So nothing is
taken here that gunicorn would refuse, and gunicorn's limits hold.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any

import gunicorn

from container.serving.answers import Answer, status_line
from container.serving.bodies import (
    GRACE_SECONDS,
    LEAST_RATE,
    discard,
    late,
    too_large,
    truncated,
    unreadable,
)
from container.serving.patience import Patience
from container.serving.protocol import JOIN_BELOW
from container.serving.received import IN_MEMORY, PIECE, Received, RefusedError, Whole
from container.serving.sending import deliver

PING, INVOCATIONS = "GET /ping HTTP/1.1", "POST /invocations HTTP/1.1"
ALWAYS = (PING, INVOCATIONS)
#: For one of many models, where its name needs no quotes.
INVOKE = re.compile(r"POST /models/[A-Za-z0-9._~-]+/invoke HTTP/1\.1")
MAX_HEAD, MAX_HEADERS = 8000, 64  # well below each of gunicorn's limits
NAME, VALUE = rb"[A-Za-z0-9-]+", rb"[\t\x20-\x7e\x80-\xff]*"
HEADERS = re.compile(rb"(?:%s:%s\r\n)*" % (NAME, VALUE))
#: What changes how the request or the connection is read, or can contradict another header.
SPECIAL = frozenset(("expect", "te", "trailer", "transfer-encoding", "upgrade")) | frozenset(
    ("x-forwarded-protocol", "x-forwarded-ssl")
)
NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Head:
    """An ordinary request's head: what it asks for, its headers in lower case, its length."""

    line: str
    headers: dict[str, str]
    length: int
    size: int

    @property
    def is_ping(self) -> bool:
        return self.line == PING

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


def parse(data: bytes) -> Head | None:
    """The head at the beginning of these bytes; None when somebody else should look at it."""
    line_end = data.find(b"\r\n") + 2
    end = data.find(b"\r\n\r\n", line_end - 2, MAX_HEAD) + 2
    if end < 2 or not HEADERS.fullmatch(data, line_end, end):
        return None
    line, *lines = data[: end - 2].decode("latin-1").split("\r\n")
    if len(lines) > MAX_HEADERS or not (line in ALWAYS or INVOKE.fullmatch(line)):
        return None
    headers: dict[str, str] = {}
    for each in lines:
        name, _, value = each.partition(":")
        headers[name.lower()] = value.strip(" \t")
    length = headers.get("content-length", "0" if line == PING else "")
    if len(headers) < len(lines) or not SPECIAL.isdisjoint(headers):
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    if not length.isdecimal() or len(length) > 15 or (line == PING and int(length)):
        return None
    return Head(line, headers, int(length), end + 2)


class SocketBody:
    """A body of known length, the beginning of which came with the head."""

    def __init__(self, sock: Any, patience: Patience, length: int, data: bytes, at: int) -> None:
        self.sock, self.patience, self.length = sock, patience, length
        self.come = data[at : at + length]
        self.rest = data[at + length :]  # of the next request
        self.at = len(self.come)

    def complete(self) -> bool:
        """Whether the connection stands at the next request."""
        return self.at == self.length

    def read(self, limit: int) -> Whole:
        """The whole of it, or a RefusedError."""
        if self.length > limit:
            self.discard()
            raise RefusedError(too_large(limit))
        if self.complete():
            return self.come
        fill = self._fill_memory if self.length <= IN_MEMORY else self._fill_file
        try:
            with self.patience.for_seconds(self.sock, GRACE_SECONDS):
                return fill(time.monotonic() + GRACE_SECONDS)
        except TimeoutError:
            raise RefusedError(late()) from None
        except OSError as exception:
            raise RefusedError(unreadable(exception)) from None

    def _fill_memory(self, end: float) -> bytearray:
        body = bytearray(self.length)  # untouched memory costs nothing, nor does a false promise
        body[: self.at] = self.come
        view = memoryview(body)
        while self.at < self.length:
            self._more(view[self.at :], end)
        return body

    def _fill_file(self, end: float) -> Whole:
        view = memoryview(bytearray(PIECE))
        with Received(self.length) as body:
            body.add(self.come)
            while self.at < self.length:
                body.add(view[: self._more(view[: self.length - self.at], end)])
            return body.whole()

    def _more(self, view: memoryview, end: float) -> int:
        """What comes next, of what is still to come; the longer the body, the later the end."""
        got: int = self.sock.recv_into(view)
        if not got and self.patience.is_over(self.sock):
            raise TimeoutError
        if not got:
            raise RefusedError(truncated(self.length, self.at))
        self.at += got
        self.patience.until(self.sock, end + self.at / LEAST_RATE)
        return got

    def discard(self) -> None:
        """Read on for a moment, so that the client sees the answer and not a reset connection."""
        discard(_Rest(self))


@dataclass(frozen=True, slots=True)
class _Rest:
    """What has not come yet, as a stream to throw away."""

    body: SocketBody

    def read(self, size: int) -> bytes:
        piece: bytes = self.body.sock.recv(min(size, self.body.length - self.body.at))
        self.body.at += len(piece)
        return piece


def send(sock: Any, patience: Patience, answer: Answer, keep: bool) -> bool:
    """Write an answer; whether the connection goes on."""
    keep = keep and "Connection" not in answer.headers
    body = b"" if answer.status in NO_BODY else answer.body
    head = _head(answer, len(body), keep)
    deliver(sock, patience, (head + body,) if len(body) < JOIN_BELOW else (head, body))
    return keep


def _head(answer: Answer, length: int, keep: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {status_line(answer.status)}",
        f"Server: {gunicorn.SERVER}",
        f"Date: {_date(int(time.time()))}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        f"Content-Type: {answer.content_type}",
    ]
    if answer.status not in NO_BODY:
        lines.append(f"Content-Length: {length}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items() if name != "Connection"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)
