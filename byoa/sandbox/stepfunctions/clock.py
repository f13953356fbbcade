"""Time that can be cut short: every wait of an execution ends at once when it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from byoa.sandbox.stepfunctions.errors import ExpiredError, StoppedError

T = TypeVar("T")


class Clock:
    """The time of one execution, branch or task: no longer than that of what it is part of."""

    def __init__(self, parent: Clock | None = None, seconds: float | None = None) -> None:
        self.parent = parent
        self.ends = None if seconds is None else time.monotonic() + seconds
        self.rings = threading.Event()
        self.stopped = False
        self.children: set[Clock] = set()
        if parent is not None:
            with LOCK:
                parent.children.add(self)
                if parent.stopped:
                    self.stop()

    def stop(self) -> None:
        """Ends this time and that of all that is part of it."""
        with LOCK:
            self.stopped = True
            self.rings.set()
            for child in self.children:
                child.stop()

    def close(self) -> None:
        """It is over in peace."""
        if self.parent is not None:
            with LOCK:
                self.parent.children.discard(self)

    def first(self) -> tuple[float, Clock] | None:
        """Which end is the next: ours or one of those around us."""
        found = None if self.parent is None else self.parent.first()
        if self.ends is not None and (found is None or self.ends < found[0]):
            found = (self.ends, self)
        return found

    def check(self) -> None:
        if self.stopped:
            raise StoppedError
        first = self.first()
        if first is not None and first[0] <= time.monotonic():
            raise ExpiredError(first[1])

    def wait(self, seconds: float | None) -> bool:
        """Lets time pass; whether `rings` was set meanwhile. A stop or an end is raised."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            self.check()
            first = self.first()
            ends = [end for end in (until, first and first[0]) if end is not None]
            left = min(ends) - time.monotonic() if ends else None
            # an Event waits for no longer than threading.TIMEOUT_MAX; a Wait may
            if self.rings.wait(None if left is None else min(max(left, 0), 86_400)):
                self.check()
                return True
            if until is not None and time.monotonic() >= until:
                return False

    def call(self, work: Callable[[], T]) -> T:
        """What `work` gives, or a stop while it is still at it: its thread is left alone then."""
        mine = Clock(self)
        results: list[Any] = []
        errors: list[BaseException] = []

        def carry_out() -> None:
            try:
                results.append(work())
            except BaseException as error:  # handed to whoever waits
                errors.append(error)
            mine.rings.set()

        threading.Thread(target=carry_out, daemon=True).start()
        try:
            mine.wait(None)
        finally:
            mine.close()
        if errors:
            raise errors[0]
        found: T = results[0]
        return found


LOCK = threading.RLock()
