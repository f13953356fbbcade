"""Messages between the tiers: a JSON head and a raw body, framed, over a unix stream socket.

A frame is `BYOA`, the head's length (4 bytes), the body's length (8 bytes), the head, the body.
Bodies are never encoded and never joined to anything, so a picture is copied once into the
kernel and once out of it.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, TypeAlias

Head: TypeAlias = dict[str, Any]

PREFIX = struct.Struct(">4sIQ")
MAGIC = b"BYOA"
MAX_HEAD = 1 << 20
RECYCLE = 79  # a model process's exit status: its work is done, it grew too big, start another
JOIN_BELOW = 1 << 16  # one system call for a small message; two for one that is dear to copy


class ProtocolError(Exception):
    """The peer sent something that is not one of our frames."""


class PeerGoneError(Exception):
    """The peer closed the connection."""


def send(sock: socket.socket, head: Head, body: bytes | bytearray | memoryview = b"") -> None:
    """Write one message; the whole of it or an OSError."""
    encoded = json.dumps(head, separators=(",", ":")).encode()
    size = len(body) if not isinstance(body, memoryview) else body.nbytes
    prefix = PREFIX.pack(MAGIC, len(encoded), size) + encoded
    if size < JOIN_BELOW:
        sock.sendall(prefix + bytes(body))
        return
    sock.sendall(prefix)
    sock.sendall(body)


def receive(sock: socket.socket, max_body: int) -> tuple[Head, bytes]:
    """Read one message: its head and its body."""
    magic, head_size, body_size = PREFIX.unpack(_exactly(sock, PREFIX.size))
    if magic != MAGIC:
        raise ProtocolError(f"expected a frame, got {magic!r}")
    if head_size > MAX_HEAD or body_size > max_body:
        raise ProtocolError(f"frame too long: head {head_size}, body {body_size} bytes")
    try:
        head = json.loads(_exactly(sock, head_size))
    except ValueError:
        raise ProtocolError("the head is not JSON") from None
    if not isinstance(head, dict):
        raise ProtocolError("the head is not an object")
    return head, _exactly(sock, body_size)


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
