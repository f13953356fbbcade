"""The lines of a log stream in a file of their own: appended whole, read from any place on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

#: One event of CloudWatch holds 256 KB, 26 bytes of which it keeps for itself.
LONGEST_LINE = 256 * 1024 - 26
#: Of one line in the file: JSON writes no character with more than six bytes.
MOST_BYTES = 6 * LONGEST_LINE + 100


def milliseconds() -> int:
    return int(time.time() * 1000)


class LogWriter:
    """Appends lines to streams, from any thread."""

    def __init__(self, root: Path, clock: Callable[[], int] = milliseconds) -> None:
        self.folder = Path(root) / "logs"
        self.clock = clock
        self._lock = threading.Lock()

    def append(self, group: str, stream: str, line: str, timestamp: int | None = None) -> None:
        """One line; CloudWatch cuts a longer one in pieces, and so is it here."""
        path = stream_path(self.folder, group, stream)
        moment = self.clock() if timestamp is None else timestamp
        text = "".join(
            json.dumps([moment, piece], ensure_ascii=False) + "\n" for piece in _pieces(line)
        )
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # its owner's alone
            with path.open("ab") as file:
                file.write(text.encode("utf-8", "replace"))


def _pieces(line: str) -> Iterator[str]:
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= LONGEST_LINE:
        yield encoded.decode()
        return
    while encoded:
        end = LONGEST_LINE
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1  # not in the middle of a character
        yield encoded[:end].decode()
        encoded = encoded[end:]


def stream_path(folder: Path, group: str, stream: str) -> Path:
    return folder / quote(group, safe="") / f"{quote(stream, safe='')}.jsonl"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a stream, and where in its file it begins and ends."""

    timestamp: int
    message: str
    begin: int
    end: int

    def shown(self) -> dict[str, Any]:
        return {
            "timestamp": self.timestamp,
            "message": self.message,
            "ingestionTime": self.timestamp,
        }


def read(path: Path, begin: int = 0, end: int | None = None) -> Iterator[Event]:
    """Every whole line from a place on: the last one may be in the middle of being written."""
    with path.open("rb") as file:
        file.seek(begin)
        for line in file:
            after = begin + len(line)
            if not line.endswith(b"\n") or (end is not None and after > end):
                return
            moment, message = json.loads(line)
            yield Event(moment, message, begin, after)
            begin = after


def next_line(path: Path, place: int) -> int:
    """Where the first line begins that does so after a place."""
    if place == 0:
        return 0
    with path.open("rb") as file:
        file.seek(place)
        return place + len(file.readline())
