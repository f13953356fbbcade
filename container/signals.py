"""Signals as events: handlers only queue, and a wait ends as soon as one arrives."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = (*STOPS, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)

Handler = Callable[[int, FrameType | None], Any] | int | None


class Signals:
    """The signals that reached us since the `with` began, in order."""

    def __init__(self) -> None:
        self.stop: signal.Signals | None = None
        self._handlers: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> Signals:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (*FORWARDED, signal.SIGCHLD):
            self._handlers[number] = signal.signal(number, _ignore)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)  # bin/train holds them back
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float | None, *descriptors: int) -> list[signal.Signals]:
        """The signals that came, after at most `seconds`, or when a descriptor is readable."""
        select.select([self._reader, *descriptors], [], [], seconds)
        try:
            numbers = os.read(self._reader, 4096)
        except BlockingIOError:
            return []
        came = [signal.Signals(number) for number in numbers]
        self.stop = self.stop or next((one for one in came if one in STOPS), None)
        return came

    def stopped(self, seconds: float = 0) -> bool:
        """Waits a moment, then says whether anybody has asked us to stop."""
        if self.stop is None:
            self.wait(seconds)
        return self.stop is not None


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """A Python handler must exist for the wake-up descriptor to be written to."""
