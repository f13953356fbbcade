"""CBOR (RFC 8949), as much of it as AWS's rpc-v2-cbor protocol speaks: botocore's CodeBuild does.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from __future__ import annotations

import datetime
import struct
from typing import Any

FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
SIMPLE = {20: False, 21: True, 22: None, 23: None}
DEEPEST = 100


def loads(data: bytes) -> Any:
    """The value; ValueError when it is none, or something follows it."""
    try:
        value, at = read(data, 0, 0)
    except (IndexError, struct.error, UnicodeDecodeError, TypeError, OverflowError, OSError) as no:
        raise ValueError(f"not CBOR: {no}") from None
    if at != len(data):
        raise ValueError("not CBOR: bytes after its end")
    return value


def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value that starts at a byte, and where the next one does."""
    if depth > DEEPEST:
        raise ValueError("not CBOR of ours: nested too deep")
    major, info = data[at] >> 5, data[at] & 31
    if major == 7:
        return read_simple(data, at, info)
    endless = info == 31
    count, at = (0, at + 1) if endless else read_count(data, at + 1, info)
    if major == 0:
        return count, at
    if major == 1:
        return -1 - count, at
    if major in {2, 3}:
        raw, at = read_chunks(data, at, depth) if endless else read_bytes(data, at, count)
        return (raw if major == 2 else raw.decode()), at
    if major == 6:
        value, at = read(data, at, depth + 1)
        return (
            (datetime.datetime.fromtimestamp(value, datetime.timezone.utc), at)
            if count == 1
            else (value, at)
        )
    items: list[Any] = []
    wanted = count * (2 if major == 5 else 1)
    while data[at] != 0xFF if endless else len(items) < wanted:
        item, at = read(data, at, depth + 1)
        items.append(item)
    pairs = dict(zip(items[::2], items[1::2])) if major == 5 else items
    return pairs, at + endless


def read_simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info in FLOATS:
        form, size = FLOATS[info]
        return struct.unpack_from(form, data, at + 1)[0], at + 1 + size
    if info in SIMPLE:
        return SIMPLE[info], at + 1
    raise ValueError(f"not CBOR of ours: simple value {info}")


def read_count(data: bytes, at: int, info: int) -> tuple[int, int]:
    if info < 24:
        return info, at
    if info > 27:
        raise ValueError(f"not CBOR: length of kind {info}")
    size = 1 << (info - 24)
    raw, at = read_bytes(data, at, size)
    return int.from_bytes(raw, "big"), at


def read_bytes(data: bytes, at: int, count: int) -> tuple[bytes, int]:
    if at + count > len(data):
        raise ValueError("not CBOR: cut off")
    return data[at : at + count], at + count


def read_chunks(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    parts = []
    while data[at] != 0xFF:
        part, at = read(data, at, depth + 1)
        parts.append(part.encode() if isinstance(part, str) else part)
    return b"".join(parts), at + 1


def dumps(value: Any) -> bytes:
    """A value of dicts, lists, texts, bytes, numbers, datetimes, None."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, datetime.datetime):
        return b"\xc1" + dumps(value.timestamp())
    if isinstance(value, dict):
        inner = b"".join(dumps(name) + dumps(item) for name, item in value.items())
        return head(5, len(value)) + inner
    if isinstance(value, list | tuple):
        return head(4, len(value)) + b"".join(dumps(item) for item in value)
    raise TypeError(f"CBOR has no form for {type(value).__name__}")


def head(major: int, count: int) -> bytes:
    if count < 24:
        return bytes([major << 5 | count])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if count < 1 << 8 * size:
            return bytes([major << 5 | info]) + count.to_bytes(size, "big")
    raise ValueError(f"CBOR has no form for {count}")
