"""Messages between the driver and its template: pickled, each with its length before it."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

HEADER = struct.Struct("!I")


def send(to: socket.socket, message: Any) -> None:
    """One message, whole."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    to.sendall(HEADER.pack(len(data)) + data)


class Reader:
    """Messages out of a socket, as they become whole; None at its end."""

    def __init__(self, source: socket.socket) -> None:
        self.source, self.held = source, bytearray()

    def messages(self) -> list[Any]:
        """What has arrived, after a wait for more; [None] when the other side is gone."""
        try:
            data = self.source.recv(1 << 18)
        except (ConnectionError, BlockingIOError, InterruptedError) as error:
            return [] if isinstance(error, BlockingIOError | InterruptedError) else [None]
        if not data:
            return [None]
        self.held += data
        found = []
        while len(self.held) >= HEADER.size:
            end = HEADER.size + HEADER.unpack_from(self.held)[0]
            if len(self.held) < end:
                break
            found.append(pickle.loads(bytes(self.held[HEADER.size : end])))  # noqa: S301 our own
            del self.held[:end]
        return found
