"""A proxy on loopback that cuts connections after so many bytes, as bad networks do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Cutter:
    """Connections to `address` go on to the server; each of the next `cuts` answers is cut."""

    port: int
    cuts: int = 0
    after: int = 0  #: bytes of an answer that still pass
    seen: int = 0  #: how many were cut
    lock: threading.Lock = field(default_factory=threading.Lock)
    address: str = ""

    def cut_next(self) -> bool:
        with self.lock:
            if self.cuts <= 0:
                return False
            self.cuts -= 1
            self.seen += 1
            return True


@contextmanager
def cutting(server: str) -> Iterator[Cutter]:
    cutter = Cutter(int(server.rpartition(":")[2]))
    listening = socket.create_server(("127.0.0.1", 0))
    cutter.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    threads = [threading.Thread(target=accept, args=(listening, cutter), daemon=True)]
    threads[0].start()
    try:
        yield cutter
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        threads[0].join(5)


def accept(listening: socket.socket, cutter: Cutter) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", cutter.port))
        for pair in ((client, server, None), (server, client, cutter)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def pump(source: socket.socket, target: socket.socket, cutter: Cutter | None) -> None:
    """Passes bytes on; large answers are cut when it is their turn."""
    passed = 0
    try:
        while data := source.recv(65536):
            passed += len(data)
            if cutter and cutter.after and passed > cutter.after and cutter.cut_next():
                target.sendall(data[: len(data) // 2])
                break
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()
