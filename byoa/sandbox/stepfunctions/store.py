"""The executions of one region; they live as long as the server does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from byoa.plan.errors import ServiceError

if TYPE_CHECKING:
    from byoa.sandbox.stepfunctions.executions import Execution
    from byoa.sandbox.stepfunctions.maps import MapRun


@dataclass
class Store:
    """Executions and Map Runs by their ARNs."""

    region: str
    root: Path  #: where the sandbox keeps this region's log lines
    found: dict[str, Execution] = field(default_factory=dict)
    map_runs: dict[str, MapRun] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, arn: str, operation: str) -> Execution:
        if arn not in self.found:
            text = f"Execution Does Not Exist: '{arn}'"
            raise ServiceError("ExecutionDoesNotExist", text, operation)
        return self.found[arn]

    def map_run(self, arn: str, operation: str) -> MapRun:
        if arn not in self.map_runs:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'", operation)
        return self.map_runs[arn]

    def every(self) -> list[Execution]:
        """The newest first."""
        with self.lock:
            return sorted(self.found.values(), key=lambda one: one.started, reverse=True)

    def of(self, machine: str) -> list[Execution]:
        """The executions of a machine, of one of its versions or aliases."""
        return [
            one
            for one in self.every()
            if machine in (one.machine.arn, one.machine.version, one.machine.alias)
            and not one.parent
        ]


STORES: dict[str, Store] = {}
LOCK = threading.Lock()


def store_of(region: str, root: Path = Path()) -> Store:
    """The region's store; its first caller, the API, knows where the sandbox's files are."""
    with LOCK:
        return STORES.setdefault(region, Store(region, root))
