"""What the supervisor hands to the HTTP tier's process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Launch:
    """What the supervisor decided for the HTTP tier."""

    http_fd: int
    broker_fd: int
    behind_nginx: bool
    folder: str
    processes: int
    max_batch: int
    batch_delay: float
    queue_bytes: int
    memory: int  # of all models, where there are many
    cores: int

    def to_json(self) -> str:
        """As a command line argument."""
        return json.dumps(asdict(self))
