"""Task tokens: states that wait for SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.errors import StateError


@dataclass
class Answer:
    """What came for one token."""

    came: threading.Event = field(default_factory=threading.Event)
    beat: float = field(default_factory=time.monotonic)
    output: Any = None
    error: StateError | None = None
    waiting: Clock | None = None


WAITING: dict[str, Answer] = {}
LOCK = threading.Lock()


def new() -> str:
    token = secrets.token_urlsafe(96)
    with LOCK:
        WAITING[token] = Answer()
    return token


def forget(token: str) -> None:
    with LOCK:
        WAITING.pop(token, None)


def find(token: str) -> Answer | None:
    with LOCK:
        return WAITING.get(token)


def wait(token: str, heartbeat: float | None, clock: Clock) -> Any:
    """What SendTaskSuccess said; States.HeartbeatTimeout when no sign of life comes in time."""
    answer = WAITING[token]
    mine = Clock(clock)
    answer.waiting = mine
    try:
        while not answer.came.is_set():
            left = None if heartbeat is None else answer.beat + heartbeat - time.monotonic()
            if left is not None and left <= 0:
                raise StateError("States.HeartbeatTimeout")
            if mine.wait(left):
                mine.rings.clear()
    finally:
        mine.close()
    if answer.error is not None:
        raise answer.error
    return answer.output


def settle(token: str, output: Any = None, error: StateError | None = None) -> bool:
    """Hands an answer to whoever waits; False when nobody does."""
    answer = find(token)
    if answer is None or answer.came.is_set():
        return False
    answer.output, answer.error = output, error
    answer.came.set()
    if answer.waiting is not None:
        answer.waiting.rings.set()
    return True


def beat(token: str) -> bool:
    answer = find(token)
    if answer is None:
        return False
    answer.beat = time.monotonic()
    return True
