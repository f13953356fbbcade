"""Listening sockets, made before the processes that use them: nobody who is early is refused."""

from __future__ import annotations

import socket
from pathlib import Path

from container.serving.settings import SettingsError

BACKLOG = 2048


def listen_on_port(address: str, port: int) -> socket.socket:
    """The port, listening; a sentence when it is taken."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"port {port} cannot be used: {error.strerror} - set SAGEMAKER_BIND_TO_PORT"
        ) from None
    sock.listen(BACKLOG)
    return sock


def listen_at(path: Path) -> socket.socket:
    """A unix socket, listening."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(BACKLOG)
    return sock
