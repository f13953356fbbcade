"""What a run used, or can use at most: seconds of vCPUs, gigabytes and GPUs; money only by prices
that somebody gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan.pipeline.manifest import RunTask
from byoa.plan.pipeline.needs import Size

HOUR = 3600
GB = 1024


@dataclass(frozen=True)
class Usage:
    """Seconds of each thing that is paid by the second."""

    seconds: float = 0
    vcpu_seconds: float = 0
    gb_seconds: float = 0
    gpu_seconds: float = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(a + b for a, b in zip(vars(self).values(), vars(other).values())))

    @classmethod
    def of(cls, seconds: float, size: Size) -> Usage:
        memory = size.memory_mb / GB
        return cls(seconds, seconds * size.vcpus, seconds * memory, seconds * size.gpus)

    def usd(self, prices: Mapping[str, float]) -> float | None:
        """By the hour's price of vcpu, gb and gpu; None when one that was used has none."""
        used = {"vcpu": self.vcpu_seconds, "gb": self.gb_seconds, "gpu": self.gpu_seconds}
        if any(amount and name not in prices for name, amount in used.items()):
            return None
        return sum(amount * prices.get(name, 0) / HOUR for name, amount in used.items())


def used(described: Mapping[str, Any], size: Size) -> Usage:
    """What a job of Batch took, all its attempts: a spot machine that was taken is paid, too."""
    spans = [
        (one.get("startedAt"), one.get("stoppedAt")) for one in described.get("attempts", ())
    ] or [(described.get("startedAt"), described.get("stoppedAt"))]
    seconds = sum((end - begin) / 1000 for begin, end in spans if begin and end)
    return Usage.of(seconds, size)


def bound(tasks: Iterable[RunTask]) -> Usage | None:
    """The most that tasks can use, each attempt to its time-out; None when one has no time-out."""
    total = Usage()
    for task in tasks:
        if task.seconds is None:
            return None
        size = Size(task.vcpus, task.memory_mb, task.gpus)
        total += Usage.of(max(60, task.seconds) * task.attempts, size)
    return total


def in_words(usage: Usage) -> str:
    words = [f"{usage.vcpu_seconds / HOUR:.3g} vCPU h", f"{usage.gb_seconds / HOUR:.3g} GB h"]
    words += [f"{usage.gpu_seconds / HOUR:.3g} GPU h"] if usage.gpu_seconds else []
    return ", ".join(words)
