"""An execution's events, as GetExecutionHistory gives them and a logging configuration writes."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable
from typing import Any

Listener = Callable[[dict[str, Any]], None]


def now() -> datetime.datetime:
    moment = datetime.datetime.now(datetime.timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def text(value: Any) -> str:
    """JSON as Step Functions writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class History:
    """Events in order. Closed, it takes no more: what still runs of a stopped execution is mute."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.lock = threading.RLock()
        self.closed = False
        self.listener: Listener | None = None

    def add(self, kind: str, previous: int, details: dict[str, Any] | None = None) -> int:
        """The new event's id."""
        with self.lock:
            if self.closed:
                return previous
            event: dict[str, Any] = {
                "timestamp": now(),
                "type": kind,
                "id": len(self.events) + 1,
                "previousEventId": previous,
            }
            if details is not None:
                event[details_name(kind)] = details
            self.events.append(event)
            if self.listener is not None:
                self.listener(event)
            return len(self.events)


def details_name(kind: str) -> str:
    """The member that holds what an event has to say."""
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails"
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails"
    return f"{kind[0].lower()}{kind[1:]}EventDetails"


class Thread:
    """One line of events: each names the one before it in its own branch."""

    def __init__(self, history: History, previous: int = 0) -> None:
        self.history = history
        self.last = previous

    def add(self, kind: str, details: dict[str, Any] | None = None) -> int:
        self.last = self.history.add(kind, self.last, details)
        return self.last

    def note(self, kind: str, details: dict[str, Any] | None = None) -> None:
        """An event that the next one does not follow on: Step Functions links them so."""
        self.history.add(kind, self.last, details)

    def branch(self) -> Thread:
        return Thread(self.history, self.last)


def data(name: str, value: Any) -> dict[str, Any]:
    """A piece of data and the statement that it is whole."""
    return {name: text(value), f"{name}Details": {"truncated": False}}
