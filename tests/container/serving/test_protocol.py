"""Frames over a socket pair: whole, limited, and recognised as ours."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest
from gunicorn.config import LimitRequestFields, LimitRequestFieldSize

from container.serving import protocol


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("size", [0, 1, protocol.JOIN_BELOW - 1, protocol.JOIN_BELOW, 5_000_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_message_arrives_as_it_was_sent(
    pair: tuple[socket.socket, socket.socket], size: int, kind: type
):
    body = os.urandom(size)
    head = {"id": 7, "headers": {"x": "ü"}}
    sender = threading.Thread(target=protocol.send, args=(pair[0], head, kind(body)))
    sender.start()
    assert protocol.receive(pair[1], size) == (head, body)
    sender.join()


@pytest.mark.parametrize("character", ['"', "\xff"])
def test_the_largest_head_that_http_lets_in_is_no_broken_frame(
    pair: tuple[socket.socket, socket.socket], character: str
):
    size = LimitRequestFieldSize.default
    head = {"headers": {f"x{n}": character * size for n in range(LimitRequestFields.default)}}
    sender = threading.Thread(target=protocol.send, args=(pair[0], head))
    sender.start()
    received = protocol.receive(pair[1], 0)
    sender.join()
    assert received == (head, b"")


def test_a_body_in_pieces_is_put_together(pair: tuple[socket.socket, socket.socket]):
    pair[1].settimeout(5)  # non-blocking underneath, as gevent's sockets: MSG_WAITALL is no help
    body = os.urandom(3_000_000)
    sender = threading.Thread(target=protocol.send, args=(pair[0], {}, body))
    sender.start()
    assert protocol.receive(pair[1], len(body)) == ({}, body)
    sender.join()


def test_the_end_of_the_connection(pair: tuple[socket.socket, socket.socket]):
    pair[0].close()
    with pytest.raises(protocol.PeerGoneError):
        protocol.receive(pair[1], 10)


@pytest.mark.parametrize("cut", [1, 15, 17, 25])
def test_a_frame_that_is_cut_off(pair: tuple[socket.socket, socket.socket], cut: int):
    frame = protocol.PREFIX.pack(protocol.MAGIC, 2, 10) + b"{}" + b"0123456789"
    pair[0].sendall(frame[:cut])
    pair[0].close()
    with pytest.raises(protocol.PeerGoneError):
        protocol.receive(pair[1], 10)


@pytest.mark.parametrize(
    "frame",
    [
        protocol.PREFIX.pack(b"HTTP", 2, 0) + b"{}",
        protocol.PREFIX.pack(protocol.MAGIC, 2, 11) + b"{}",
        protocol.PREFIX.pack(protocol.MAGIC, protocol.MAX_HEAD + 1, 0),
        protocol.PREFIX.pack(protocol.MAGIC, 2, 0) + b"[]",
        protocol.PREFIX.pack(protocol.MAGIC, 2, 0) + b"{a",
    ],
)
def test_what_is_not_ours_is_refused(pair: tuple[socket.socket, socket.socket], frame: bytes):
    pair[0].sendall(frame)
    with pytest.raises(protocol.ProtocolError):
        protocol.receive(pair[1], 10)
