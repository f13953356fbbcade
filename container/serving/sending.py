"""Writes answers. Who does not take his is given up: an answer that waits is memory."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from container.serving.patience import Patience

#: A client may take so long for the next piece; nginx's send_timeout is the same. The kernel asks
#: for more only when a third of its buffer is free, so that a trickle is too little.
SECONDS = 30.0
#: close() then throws away what the kernel still holds for this client.
AT_ONCE = struct.pack("ii", 1, 0)


def deliver(sock: Any, patience: Patience, parts: Sequence[bytes]) -> None:
    """Write all of it, or raise: a TimeoutError when the client has stopped to take it.

    Nearly always the kernel takes everything at once, which costs one call and no clock.
    """
    try:
        sent = sock.sendmsg(parts, (), socket.MSG_DONTWAIT)
    except BlockingIOError:
        sent = 0
    for part in parts:
        if sent < len(part):
            _wait_and_write(sock, patience, memoryview(part)[sent:])
        sent = max(0, sent - len(part))


def _wait_and_write(sock: Any, patience: Patience, rest: memoryview) -> None:
    taken = 0
    try:
        with patience.for_seconds(sock, SECONDS):
            while taken < len(rest):
                taken += sock.send(rest[taken:])
                patience.until(sock, time.monotonic() + SECONDS)
    except TimeoutError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        raise


class PatientSocket:
    """A socket for gunicorn, whose `sendall` would wait for ever."""

    def __init__(self, sock: Any, patience: Patience) -> None:
        self._sock, self._patience = sock, patience

    def sendall(self, data: bytes) -> None:
        """Write all of it to a client that takes it."""
        deliver(self._sock, self._patience, (data,))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
