"""How many model processes, on which GPU, with how many threads and how much memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from container.serving.resources import Resources
from container.serving.settings import MIB, Settings

HTTP_MEMORY = 256 * MIB  # supervisor, nginx, gunicorn, with some bodies in flight
FRAMEWORK_MEMORY = 600 * MIB  # a process with torch, before the model
GPU_BATCH, GPU_DELAY = 8, 0.002
LEAST_QUEUE = 64 * MIB
MODELS_SHARE = 0.9  # of what is left: models grow between two looks at them


@dataclass(frozen=True, slots=True)
class ModelProcess:
    """One model process: its number, GPU (None: CPU), threads and memory in bytes."""

    index: int
    gpu: str | None
    threads: int
    memory: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The model tier, and how the broker feeds it."""

    processes: tuple[ModelProcess, ...]
    max_batch: int
    batch_delay: float
    queue_bytes: int

    def describe(self) -> str:
        """One line for the log."""
        first = self.processes[0]
        gpus = [process.gpu for process in self.processes if process.gpu is not None]
        return (
            f"{len(self.processes)} model process(es) × {first.threads} thread(s)"
            f" on {'GPU ' + ', '.join(gpus) if gpus else 'CPU'},"
            f" {first.memory // MIB} MiB each, batches of up to {self.max_batch}"
        )


def make_plan(settings: Settings, resources: Resources, model_size: int) -> Plan:
    """Processes × threads = cores, as far as memory allows; one process a GPU."""
    on_gpu = bool(resources.gpus)
    spare = max(resources.memory - HTTP_MEMORY, resources.memory // 2)
    if on_gpu:
        count = settings.model_processes or len(resources.gpus)
    else:
        needed = FRAMEWORK_MEMORY + 2 * model_size
        affordable = max(1, spare // needed)
        count = settings.model_processes or min(_whole(resources.cores), affordable)
    threads = settings.threads or max(1, int(resources.cores / count))
    memory = settings.model_memory or spare // count
    processes = tuple(
        ModelProcess(
            i, resources.gpus[i % len(resources.gpus)] if on_gpu else None, threads, memory
        )
        for i in range(count)
    )
    return Plan(
        processes,
        max_batch=settings.max_batch or (GPU_BATCH if on_gpu else 1),
        batch_delay=_first(settings.batch_delay, GPU_DELAY if on_gpu else 0.0),
        queue_bytes=settings.queue_bytes or max(LEAST_QUEUE, resources.memory // 8),
    )


def plan_for_many(settings: Settings, resources: Resources) -> Plan:
    """A multi-model endpoint's: one process of which all models are forked, on the CPU."""
    alone = replace(settings, model_processes=1)
    plan = make_plan(alone, replace(resources, gpus=()), 0)
    memory = settings.models_memory or int(plan.processes[0].memory * MODELS_SHARE)
    return replace(plan, processes=(replace(plan.processes[0], memory=memory),))


def folder_size(folder: Path) -> int:
    """Bytes of the files below a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _whole(cores: float) -> int:
    """The nearest number of cores, one at least.

    Of 1.5 cores one process would leave a third unused. Two use them up: then all stand still for a
    quarter of the time, a few hundredths of a second at a stretch, which /ping can bear.
    """
    return max(1, int(cores + 0.5))


def _first(chosen: float | None, otherwise: float) -> float:
    return otherwise if chosen is None else chosen
