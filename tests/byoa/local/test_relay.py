"""What listens on loopback, reached at another address of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoa.local.folder_storage import FolderStorage
from byoa.local.logs import LogWriter
from byoa.local.relay import Relay, loopback_ports, through
from byoa.local.supervise import Around


def received(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def echo(listener: socket.socket) -> None:
    """Answers with what it is sent, once the sender has finished."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.sendall(received(connection)[::-1])


@pytest.fixture
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=echo, args=(listener,), daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=5)


def ask(address: str, port: int, text: bytes) -> bytes:
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return received(connection)


def test_everything_is_passed_on_both_ways(port: int):
    relay = Relay("127.77.0.1", port)
    try:
        text = bytes(range(256)) * 4000
        assert ask("127.77.0.1", port, text) == text[::-1]
        assert ask("127.77.0.1", port, b"again") == b"niaga"
    finally:
        relay.close()
    with pytest.raises(OSError, match="refused"):
        ask("127.77.0.1", port, b"closed")


def test_nobody_there_is_an_end_of_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    relay = Relay("127.77.0.2", free)
    try:
        assert ask("127.77.0.2", free, b"") == b""
    finally:
        relay.close()


def test_which_variables_name_loopback():
    variables = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "OTHER": "https://localhost:99/x",
        "PLAIN": "127.0.0.1:1",
        "FAR": "http://127.0.0.10:5",
    }
    assert loopback_ports(variables) == {4566, 99}
    assert through("172.18.0.1", variables) == {
        "AWS_ENDPOINT_URL": "http://172.18.0.1:4566",
        "OTHER": "https://172.18.0.1:99/x",
        "PLAIN": "127.0.0.1:1",
        "FAR": "http://127.0.0.10:5",
    }


def test_a_stop_takes_as_long_as_on_sagemaker(tmp_path: Path, monkeypatch):
    around = Around(root=tmp_path, storage=FolderStorage(tmp_path), logs=LogWriter(tmp_path))
    assert (around.stop_seconds, around.serving_stop_seconds) == (120, 30)
    assert (around.memory_mb, around.cpus, around.network) == (0, 0, "")
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "5")
    around = Around(root=tmp_path, storage=FolderStorage(tmp_path), logs=LogWriter(tmp_path))
    assert (around.stop_seconds, around.serving_stop_seconds) == (5, 5)
