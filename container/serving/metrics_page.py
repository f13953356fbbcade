"""`/metrics`: all figures of one `serve` as Prometheus reads them. Made when somebody asks."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import gevent

from container import __version__
from container.serving.answers import Answer
from container.serving.metrics import STEPS, Histogram, Metrics
from container.serving.metrics_text import OPEN, PLAIN, Family, write

if TYPE_CHECKING:
    from container.serving.gpus import Gpu
    from container.serving.invocations import Invocations
    from container.serving.lanes import Lane
    from container.serving.processes import Usage

#: Requests of one micro-batch.
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
STATES = ("loading", "warming up", "ready", "failed", "leaving")
STEP_HELP = {
    "queue": "Seconds that a request waited for a model process.",
    "decode": "Seconds in input_fn.",
    "model": "Seconds in predict_fn, predict_batch_fn or transform_fn.",
    "encode": "Seconds in output_fn.",
    "gzip": "Seconds to compress an answer.",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the kernel and the driver say; hundreds of models are hundreds of files to read."""

    gpus: list[Gpu]
    usages: list[Usage]
    memory_limit: int


def page(core: Invocations, accept: str) -> Answer:
    """The answer to GET /metrics, in the form that the one who asks prefers."""
    models = {lane.pid: lane.index for broker in core.brokers for lane in broker.lanes}
    machine = gevent.get_hub().threadpool.apply(look, (models,))  # the event loop goes on
    openly = wants_openmetrics(accept)
    return Answer(200, write(Figures(core, machine).collect(), openly), OPEN if openly else PLAIN)


def look(models: Mapping[int, int]) -> Machine:
    """What takes its time, the first time also to import."""
    from container.serving.gpus import gpus
    from container.serving.processes import usages
    from container.serving.resources import memory_limit

    return Machine(gpus(), list(usages(os.getpid(), models)), memory_limit())


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header names it, however oddly."""
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return "application/openmetrics-text" in kinds


@dataclass(frozen=True, slots=True)
class Figures:
    """One scrape's figures."""

    core: Invocations
    machine: Machine

    @property
    def metrics(self) -> Metrics:
        assert self.core.metrics is not None
        return self.core.metrics

    @property
    def lanes(self) -> list[Lane]:
        return [lane for broker in self.core.brokers for lane in broker.lanes]

    def collect(self) -> Iterator[Family]:
        """Every family."""
        yield from self._requests()
        yield from self._queue()
        yield from self._models()
        yield from self._processes()
        yield from self._gpus()

    def _requests(self) -> Iterator[Family]:
        info = Family("byoa_info", "gauge", "How it serves; always 1.", ("version", "mode"))
        yield info.add(1, __version__, self.core.settings.mode)
        text = "Answered invocations by HTTP status."
        requests = Family("byoa_requests", "counter", text, ("status",))
        for status, count in sorted(self.metrics.statuses.items()):
            requests.add(count, str(status))
        yield requests
        for way, size in (("request", self.metrics.bytes_in), ("response", self.metrics.bytes_out)):
            text = f"Bytes of the bodies of all {way}s."
            yield Family(f"byoa_{way}_bytes", "counter", text).add(size)
        text = "Seconds from a request's head to its answer."
        yield histogram("byoa_request_seconds", text, self.metrics.request)
        for step, name in STEPS.items():
            yield histogram(name, STEP_HELP[step], self.metrics.steps[step])

    def _queue(self) -> Iterator[Family]:
        brokers = self.core.brokers  # several where there are several models
        ready = self.core.ping().status == HTTPStatus.OK
        yield gauge("byoa_ready", "Whether /ping says 200.", ready)
        for name, text, values in (
            (
                "byoa_requests_in_progress",
                "Requests that wait or are computed.",
                [len(each.asked) for each in brokers],
            ),
            (
                "byoa_queue_length",
                "Requests that wait for a model process.",
                [len(each.waiting) for each in brokers],
            ),
            (
                "byoa_queue_limit",
                "Requests that may wait; the next one gets a 503.",
                [each.limits.queue_size for each in brokers],
            ),
            (
                "byoa_queue_bytes",
                "Bodies that lie in memory now.",
                [each.held_bytes for each in brokers],
            ),
            (
                "byoa_queue_limit_bytes",
                "Bodies that may lie in memory.",
                [each.limits.queue_bytes for each in brokers],
            ),
        ):
            yield gauge(name, text, sum(values))
        sizes = Histogram(BATCHES)
        for size, count in self.metrics.dispatched.batch_sizes.items():
            sizes.add(size, count)
        yield histogram("byoa_batch_size", "Requests that a model process got at once.", sizes)

    def _models(self) -> Iterator[Family]:
        wanted = sum(each.limits.processes for each in self.core.brokers)
        yield gauge("byoa_model_processes_wanted", "Model processes by plan.", wanted)
        states = Counter(lane.state for lane in self.lanes)
        text = "Model processes by state."
        processes = Family("byoa_model_processes", "gauge", text, ("state",))
        for state in STATES:
            processes.add(states[state], state.replace(" ", "_"))
        yield processes
        busy = sum(bool(lane.busy) for lane in self.lanes)
        yield gauge("byoa_model_processes_busy", "Model processes that compute now.", busy)
        text = "Model processes that ended: died, or replaced because they had grown too big."
        restarts = Family("byoa_model_restarts", "counter", text, ("reason",))
        for reason, count in self.metrics.dispatched.restarts.items():
            restarts.add(count, reason)
        yield restarts

    def _processes(self) -> Iterator[Family]:
        resident: Counter[tuple[str, str]] = Counter()
        seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        for usage in self.machine.usages:
            resident[usage.role, usage.index] += usage.resident
            seconds[usage.role, usage.index] += usage.seconds
        labels, part = ("role", "index"), "by part of serve"
        text = f"Resident memory {part}."
        memory = Family("process_resident_memory_bytes", "gauge", text, labels)
        cpu = Family("process_cpu_seconds", "counter", f"Processor time {part}.", labels)
        for key in resident:
            memory.add(resident[key], *key)
            cpu.add(seconds[key], *key)
        yield from (memory, cpu)
        limit = self.machine.memory_limit
        yield gauge("byoa_memory_limit_bytes", "Memory that we may use.", limit)

    def _gpus(self) -> Iterator[Family]:
        for name, text, field in (
            ("byoa_gpu_memory_used_bytes", "Memory of a GPU in use.", "used"),
            ("byoa_gpu_memory_total_bytes", "Memory of a GPU.", "total"),
            ("byoa_gpu_busy_ratio", "Share of the last moment in which a GPU worked.", "busy"),
        ):
            family = Family(name, "gauge", text, ("gpu",))
            for gpu in self.machine.gpus:
                value = getattr(gpu, field)
                if value is not None:
                    family.add(value, gpu.uuid)
            if family.samples:
                yield family


def gauge(name: str, text: str, value: float) -> Family:
    """One number."""
    return Family(name, "gauge", text).add(value)


def histogram(name: str, text: str, counted: Histogram) -> Family:
    """What was counted, as Prometheus has it."""
    return Family(name, "histogram", text).add_all(counted)
