"""A program's output as lines, however long, torn or odd they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

#: A line without an end is passed on in pieces of this size: no program can fill our memory.
MOST_BYTES = 1 << 20


def follow(stream: IO[bytes], on_line: Callable[[str], None]) -> None:
    """Calls on_line with every line until the stream ends; the last one needs no line end.

    It reads on when a line cannot be kept: a full disk must not block the program that writes.
    """
    with stream:
        while line := stream.readline(MOST_BYTES):
            try:
                on_line(as_text(line))
            except Exception as error:
                print(f"a line of the log is lost: {type(error).__name__}: {error}", flush=True)


def as_text(line: bytes) -> str:
    """A line as CloudWatch shows it: a carriage return inside of it as #015."""
    text = line.decode("utf-8", "replace").rstrip("\n").removesuffix("\r")
    return text.replace("\r", "#015").replace("\0", "#000")
