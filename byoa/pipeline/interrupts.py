"""Ctrl-C and SIGTERM as something that a loop can look at, instead of an error anywhere."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Interrupts:
    """Within it SIGINT and SIGTERM are only counted; `heard` is the first one's word."""

    def __init__(self) -> None:
        self.heard, self.count = "", 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in WORDS:
                self._before[number] = signal.signal(number, self.hear)
        return self

    def hear(self, number: int, _frame: FrameType | None) -> None:
        self.heard = self.heard or WORDS[signal.Signals(number)]
        self.count += 1

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
