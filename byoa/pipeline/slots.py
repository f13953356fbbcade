"""How many tasks fit at once: one a core, more cores and GPUs where a task asks for them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from byoa.plan.pipeline.model import Task

#: So many tasks that only wait for something elsewhere (`cpus: 0`) at once: each is a process.
WAITING = 64


class Slots:
    """Room for `jobs` cores' worth of tasks. A task larger than the room runs alone."""

    def __init__(self, jobs: int, gpus: Sequence[str] | None = None) -> None:
        self.jobs, self.free = jobs, float(jobs)
        self.gpus = list(gpus_of(os.environ) if gpus is None else gpus)
        self.idle = 0  #: tasks here that take no core
        self.taken: dict[str, tuple[float, list[str]]] = {}
        self._all_gpus = len(self.gpus)

    def fits(self, task: Task) -> bool:
        cpus, gpus = self.share(task)
        if not cpus and self.idle >= WAITING:
            return False
        return cpus <= self.free + 1e-9 and gpus <= len(self.gpus)

    def share(self, task: Task) -> tuple[float, int]:
        """What a task takes: never more than there is."""
        return min(task.limits.cpus, self.jobs), min(task.limits.gpus, self._all_gpus)

    def take(self, task: Task) -> None:
        cpus, gpus = self.share(task)
        self.free -= cpus
        self.idle += not cpus
        self.taken[task.name] = cpus, [self.gpus.pop(0) for _ in range(gpus)]

    def give(self, task: Task) -> None:
        """Gives a task's room back."""
        cpus, gpus = self.taken.pop(task.name)
        self.free += cpus
        self.idle -= not cpus
        self.gpus += gpus

    def devices(self, task: Task) -> str | None:
        """CUDA_VISIBLE_DEVICES for a task that asked for GPUs; None leaves it as it is."""
        return ",".join(self.taken[task.name][1]) if task.limits.gpus else None


def gpus_of(environment: Mapping[str, str], devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that this process may use, as CUDA counts them."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [one.strip() for one in visible.split(",") if one.strip() not in ("", "-1")]
    found = [path for path in devices.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    return [str(number) for number in range(len(found))]


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
