"""Lets the hosts of a job reach what listens on this machine's loopback: the sandbox.

Several hosts have a network of their own, in which 127.0.0.1 is each host itself. Its gateway is
this machine: there the relay listens, on the same port, and passes everything on.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Mapping

_LOOPBACK = re.compile(r"(?<=//)(?:127\.0\.0\.1|localhost):(\d+)")


def loopback_ports(environment: Mapping[str, str]) -> set[int]:
    """The ports of the loopback addresses in variables such as AWS_ENDPOINT_URL."""
    return {int(port) for value in environment.values() for port in _LOOPBACK.findall(value)}


def through(gateway: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables with the gateway in the place of loopback."""
    return {
        name: _LOOPBACK.sub(lambda found: f"{gateway}:{found[1]}", value)
        for name, value in environment.items()
    }


class Relay:
    """Passes connections to (address, port) on to the same port of 127.0.0.1."""

    def __init__(self, address: str, port: int) -> None:
        self.port = port
        self._listener = socket.create_server((address, port))
        threading.Thread(target=self._accept, name=f"relay-{port}", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            except OSError:
                return
            far.settimeout(None)
            with far:
                back = threading.Thread(target=_pump, args=(far, near), daemon=True)
                back.start()
                _pump(near, far)
                back.join()

    def close(self) -> None:
        # A mere close() would leave accept() waiting.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """One direction of a connection; its end is passed on, the other direction goes on."""
    try:
        while block := source.recv(1 << 16):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)  # the other direction ends, too
            except OSError:
                continue
