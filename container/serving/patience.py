"""Ends connections that keep us waiting, with one clock for all: a timer a request costs more."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent

TICK = 0.5


class Patience:
    """Until when each connection is waited for, and what is shut down when that is over."""

    def __init__(self, shut: int = socket.SHUT_RD) -> None:
        self.shut = shut
        self.deadlines: dict[Any, float] = {}

    def watch(self) -> None:
        """Look twice a second, for as long as the process lives."""
        while True:
            gevent.sleep(TICK)
            for sock in [sock for sock in self.deadlines if self.is_over(sock)]:
                try:
                    sock.shutdown(self.shut)  # wakes up who waits, by an error or the end
                except OSError:
                    pass

    @contextmanager
    def for_seconds(self, sock: Any, seconds: float) -> Iterator[None]:
        """The block may wait for this connection so long; a TimeoutError when that is over."""
        self.deadlines[sock] = time.monotonic() + seconds
        try:
            yield
        except OSError:
            if self.is_over(sock):
                raise TimeoutError from None
            raise
        finally:
            del self.deadlines[sock]

    def until(self, sock: Any, deadline: float) -> None:
        """Wait longer."""
        self.deadlines[sock] = deadline

    def is_over(self, sock: Any) -> bool:
        """Whether it was waited for long enough."""
        return time.monotonic() >= self.deadlines[sock]
