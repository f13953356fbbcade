"""Messages between the tiers: a JSON head and a raw body, framed, over a unix stream socket.

A frame is `BYOA`, the head's length (4 bytes), the body's length (8 bytes), the head, the body.
Bodies are never encoded and large ones never joined to anything, so a picture is copied once into
the kernel and once out of it.
"""

from __future__ import annotations

import json
import mmap
import signal
import socket
import struct
from typing import Any, TypeAlias

Head: TypeAlias = dict[str, Any]
Body: TypeAlias = bytes | bytearray | memoryview | mmap.mmap

PREFIX = struct.Struct(">4sIQ")
MAGIC = b"BYOA"
MAX_HEAD = 1 << 23  # more than the largest head that gunicorn takes, six bytes a character
BROKER_GONE = 78  # the zygote's exit status: the HTTP worker died, nobody knows its models now
RECYCLE = 79  # a model process's exit status: its work is done, it grew too big, start another
SHOW_FRAMES = signal.SIGUSR1  # a model process tells the log where it is
JOIN_BELOW = 1 << 16  # what is smaller is cheaper to copy than to send in two pieces
READ = 1 << 16
_encode = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps would make one each time


class ProtocolError(Exception):
    """The peer sent something that is not one of our frames."""


class PeerGoneError(Exception):
    """The peer closed the connection."""


def frame(head: Head, body: Body = b"") -> list[Body]:
    """One message as the pieces to send."""
    encoded = _encode(head).encode()
    size = len(body) if not isinstance(body, memoryview) else body.nbytes
    prefix = PREFIX.pack(MAGIC, len(encoded), size) + encoded
    return [prefix + bytes(body)] if size < JOIN_BELOW else [prefix, body]


def send(sock: socket.socket, head: Head, body: Body = b"") -> None:
    """Write one message; the whole of it or an OSError."""
    for piece in frame(head, body):
        sock.sendall(piece)


def receive(sock: socket.socket, max_body: int) -> tuple[Head, bytes]:
    """Read one message: its head and its body, which is read straight into where it stays."""
    head_size, body_size = _sizes(_exactly(sock, PREFIX.size), max_body)
    head = _decode(_exactly(sock, head_size))
    return head, _exactly(sock, body_size)


class Reader:
    """Reads messages from one socket, a small one with a single system call."""

    def __init__(self, sock: socket.socket, max_body: int) -> None:
        self.sock = sock
        self.max_body = max_body
        self.ahead = b""

    def receive(self) -> tuple[Head, bytes]:
        """The next message."""
        while len(self.ahead) < PREFIX.size:
            self._more()
        head_size, body_size = _sizes(self.ahead[: PREFIX.size], self.max_body)
        start = PREFIX.size + head_size
        while len(self.ahead) < start:
            self._more()
        head = _decode(self.ahead[PREFIX.size : start])
        body, self.ahead = self.ahead[start : start + body_size], self.ahead[start + body_size :]
        if len(body) < body_size:
            body += _exactly(self.sock, body_size - len(body))
        return head, body

    def _more(self) -> None:
        piece = self.sock.recv(READ)
        if not piece:
            raise PeerGoneError
        self.ahead += piece


def _sizes(prefix: bytes, max_body: int) -> tuple[int, int]:
    magic, head_size, body_size = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise ProtocolError(f"expected a frame, got {magic!r}")
    if head_size > MAX_HEAD or body_size > max_body:
        raise ProtocolError(f"frame too long: head {head_size}, body {body_size} bytes")
    return head_size, body_size


def _decode(encoded: bytes) -> Head:
    try:
        head = json.loads(encoded.decode())
    except ValueError:
        raise ProtocolError("the head is not JSON") from None
    if not isinstance(head, dict):
        raise ProtocolError("the head is not an object")
    return head


def _exactly(sock: socket.socket, size: int) -> bytes:
    """`size` bytes, straight into one buffer where the kernel can wait for all of them."""
    if size == 0:
        return b""
    first = sock.recv(size, socket.MSG_WAITALL)
    if len(first) == size:
        return first
    if not first:
        raise PeerGoneError
    whole = bytearray(size)
    whole[: len(first)] = first
    view, at = memoryview(whole), len(first)
    while at < size:
        got = sock.recv_into(view[at:])
        if not got:
            raise PeerGoneError
        at += got
    return bytes(whole)
