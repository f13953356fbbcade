"""What a cell shows while it runs, gathered as nbformat has it.

https://nbformat.readthedocs.io/en/latest/format_description.html#code-cell-outputs
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

#: Characters of one stream of one cell that are kept; the log has all of them.
MOST_TEXT = 1 << 20
MOST_LINE = 1 << 14
BINARY = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


class Text:
    """A stream as a terminal would show it: what \\r overwrote is gone, the middle of much too."""

    def __init__(self) -> None:
        self.head: list[str] = []
        self.tail: deque[str] = deque()
        self.sizes = [0, 0]  #: characters of head and tail
        self.left_out = 0
        self.line = ""  #: what has no end yet

    def add(self, text: str) -> None:
        text = self.line + text
        if "\r" in text:
            text = "\n".join(map(last_writing, re.sub("\r+\n", "\n", text).split("\n")))
        whole, newline, self.line = text.rpartition("\n")
        if newline:
            self.put(whole + newline)
        if len(self.line) > MOST_LINE:
            self.put(self.line)
            self.line = ""

    def put(self, text: str) -> None:
        half = MOST_TEXT // 2
        if len(text) > MOST_TEXT:
            self.put(text[:half])
            self.left_out += len(text) - MOST_TEXT
            text = text[-half:]
        if self.sizes[0] < half and not self.left_out:
            self.head.append(text)
            self.sizes[0] += len(text)
            return
        self.tail.append(text)
        self.sizes[1] += len(text)
        while self.sizes[1] - len(self.tail[0]) > half:
            gone = len(self.tail.popleft())
            self.sizes[1] -= gone
            self.left_out += gone

    def __str__(self) -> str:
        gap = f"\n… {self.left_out:,} characters more are in the task's log …\n"
        return "".join([*self.head, gap if self.left_out else "", *self.tail, self.line])


def last_writing(line: str) -> str:
    """The last that was written on a line; a \\r at its end still waits for what comes."""
    if "\r" not in line:
        return line
    body = line.rstrip("\r")
    waiting = "\r" if body != line else ""
    return body.rpartition("\r")[2] + waiting


class Outputs:
    """The outputs of one notebook's cells; `begin` says whose turn it is."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.cell: list[dict[str, Any]] = []
        self.streams: list[tuple[dict[str, Any], Text]] = []
        self.named: dict[str, list[dict[str, Any]]] = {}  #: display_id → outputs to be updated
        self.to_clear = False

    def begin(self) -> None:
        """What comes now belongs to another cell."""
        with self.lock:
            self.cell, self.streams, self.to_clear = [], [], False

    def end(self) -> list[dict[str, Any]]:
        """The cell's outputs."""
        with self.lock:
            for output, text in self.streams:
                output["text"] = str(text).rstrip("\r")
            return self.cell

    def put(self, output: dict[str, Any]) -> dict[str, Any]:
        if self.to_clear:
            self.clear()
        self.cell.append(output)
        return output

    def stream(self, name: str, text: str) -> None:
        with self.lock:
            if self.to_clear:
                self.clear()
            last = self.cell[-1] if self.cell else None
            if last is None or last["output_type"] != "stream" or last["name"] != name:
                made = self.put({"output_type": "stream", "name": name, "text": ""})
                self.streams.append((made, Text()))
            self.streams[-1][1].add(text)

    def display(
        self, data: Mapping[str, Any], metadata: Mapping[str, Any], display_id: str, update: bool
    ) -> None:
        """Something rich; with `update` it takes the place of what has that display_id."""
        shown = {"data": plain_bundle(data), "metadata": plain(metadata or {})}
        with self.lock:
            if update:
                for output in self.named.get(display_id, ()):
                    output.update(shown)
                return
            made = self.put({"output_type": "display_data", **shown})
            if display_id:
                self.named.setdefault(display_id, []).append(made)

    def result(self, data: Mapping[str, Any], metadata: Mapping[str, Any], count: int) -> None:
        """The value of a cell's last expression."""
        with self.lock:
            self.put({
                "output_type": "execute_result",
                "execution_count": count,
                "data": plain_bundle(data),
                "metadata": plain(metadata or {}),
            })  # fmt: skip

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        with self.lock:
            self.put(
                {"output_type": "error", "ename": name, "evalue": value, "traceback": traceback}
            )

    def clear(self, wait: bool = False) -> None:
        """IPython.display.clear_output; with `wait` when the next output comes."""
        with self.lock:
            self.to_clear = wait
            if not wait:
                self.cell.clear()
                self.streams.clear()


def plain_bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    """MIME type → value as JSON has it: pictures in base64, JSON types as they are, else text."""
    return {kind: plain_value(kind, value) for kind, value in data.items() if value is not None}


def plain_value(kind: str, value: Any) -> Any:
    if isinstance(value, bytes):
        encoded = kind in BINARY or not kind.startswith("text/")
        return base64.b64encode(value).decode() if encoded else value.decode("utf-8", "replace")
    if kind == "application/json" or kind.endswith("+json"):
        return plain(value)
    return value if isinstance(value, str) else plain(value)


def plain(value: Any) -> Any:
    """A value that JSON can hold: whatever else is in it becomes its text."""
    return json.loads(json.dumps(value, default=str, skipkeys=True))
