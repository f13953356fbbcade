"""Reads a request's body once, within its limits: bytes, time, and what Content-Length promised."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import gevent
from gunicorn.http.errors import ParseException

from container.serving.answers import Answer, error
from container.serving.received import PIECE, Received, RefusedError, Whole
from container.serving.settings import MIB

# A client has 10 s, and one more for each 64 KiB that it sends: slow lines live, trickles do not.
# (Behind nginx bodies arrive whole; this is for a laptop without it.)
GRACE_SECONDS, LEAST_RATE = 10.0, 64 * 1024
CLOSE = {"Connection": "close"}


class Stream(Protocol):
    """What WSGI gives as wsgi.input."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class WsgiBody:
    """A body as gunicorn gives it; a length of None means chunked."""

    stream: Stream
    length: int | None

    def read(self, limit: int) -> Whole:
        """The whole of it, or a RefusedError."""
        return read_body(self.stream, self.length, limit)

    def discard(self) -> None:
        """Read on for a moment."""
        discard(self.stream)


def read_body(stream: Stream, length: int | None, limit: int) -> Whole:
    """The whole body, `length` bytes of it (None: chunked, until it ends), or a RefusedError."""
    if length is not None and length > limit:
        discard(stream)
        raise RefusedError(too_large(limit))
    with Received(length or 0) as body:
        _receive(stream, body, limit)
        if length is not None and body.size != length:
            raise RefusedError(truncated(length, body.size))
        return body.whole()


def _receive(stream: Stream, body: Received, limit: int) -> None:
    start = time.monotonic()
    while True:
        left = start + GRACE_SECONDS + body.size / LEAST_RATE - time.monotonic()
        piece = _read(stream, left)
        if not piece:
            return
        body.add(piece)
        if body.size > limit:
            discard(stream)
            raise RefusedError(too_large(limit))


def _read(stream: Stream, seconds: float) -> bytes:
    try:
        with gevent.Timeout(max(0.0, seconds), RefusedError(late())):
            return stream.read(PIECE)
    except (ParseException, OSError) as exception:
        raise RefusedError(unreadable(exception)) from None


def late() -> Answer:
    """408: the client is too slow."""
    return error(408, "body_timeout", "the body did not arrive in time", CLOSE)


def truncated(length: int, came: int) -> Answer:
    """400: the connection ended before the body did."""
    return error(400, "truncated", f"Content-Length says {length} bytes, {came} came", CLOSE)


def unreadable(exception: Exception) -> Answer:
    """400: chunks that are none, or a connection that broke."""
    message = f"the body cannot be read: {type(exception).__name__}"
    return error(400, "bad_body", message, CLOSE)


def too_large(limit: int) -> Answer:
    """413, and the connection ends: the rest of the body is not wanted."""
    message = f"the body is larger than {limit // MIB} MiB (SAGEMAKER_MAX_PAYLOAD_IN_MB)"
    return error(413, "too_large", message, CLOSE)


def discard(stream: Stream, seconds: float = 1.0, most: int = 64 * MIB) -> None:
    """Read on for a moment, so that the client sees the answer and not a reset connection."""
    try:
        with gevent.Timeout(seconds, False):
            for _ in range(most // PIECE):
                if not stream.read(PIECE):
                    return
    except (ParseException, OSError):
        pass
