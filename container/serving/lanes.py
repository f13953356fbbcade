"""What the broker moves around: jobs, the lanes that they take, and the limits it keeps."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from gevent.event import AsyncResult

from container.serving.protocol import Head
from container.serving.received import Whole


@dataclass(slots=True, eq=False)
class Job:
    """One request from the moment it is queued to its answer."""

    id: int
    head: Head
    body: Whole
    deadline: float
    queued: float
    sent: float = 0.0
    tries: int = 0
    answer: AsyncResult = field(default_factory=AsyncResult)


@dataclass(slots=True, eq=False)
class Lane:
    """One model process as the broker sees it."""

    sock: socket.socket
    pid: int
    index: int = -1
    state: str = "loading"
    reason: str = ""
    batches: bool = False
    condemned: bool = False
    busy: dict[int, Job] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether it can be given work, now or when it is done."""
        return self.state == "ready"

    def describe(self) -> str:
        """Its number and how far it is."""
        return f"{self.index}: {self.reason or self.state}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker holds itself to."""

    queue_size: int
    queue_bytes: int
    max_batch: int
    batch_delay: float
    processes: int
    stuck: float  # seconds past its deadline that a request may hold its model process


class OverloadedError(Exception):
    """The queue is full; in `retry_after` seconds there may be room."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full: try again in {retry_after} s")
        self.retry_after = retry_after
