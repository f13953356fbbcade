"""`/metrics`: all figures of one `serve` as Prometheus reads them. Made when somebody asks.

prometheus_client is imported by the first who asks, not before: nobody waits for it at start.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import gevent

from container import __version__
from container.serving.answers import Answer, error
from container.serving.metrics import STEPS, Histogram, Metrics

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from container.serving.gpus import Gpu
    from container.serving.invocations import Invocations
    from container.serving.lanes import Lane
    from container.serving.processes import Usage

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
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
    try:
        machine = gevent.get_hub().threadpool.apply(look, (models,))  # the event loop goes on
    except ImportError:
        return error(501, "no_prometheus", "prometheus-client is missing: pip install it")
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.openmetrics import exposition as openmetrics

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(core, machine))
    if wants_openmetrics(accept):
        text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return Answer(200, text, openmetrics.CONTENT_TYPE_LATEST)
    return Answer(200, generate_latest(registry), PLAIN)


def look(models: Mapping[int, int]) -> Machine:
    """What takes its time, the first time also to import."""
    import prometheus_client.openmetrics.exposition  # noqa: F401 - `page` finds it loaded

    from container.serving.gpus import gpus
    from container.serving.processes import usages
    from container.serving.resources import memory_limit

    return Machine(gpus(), list(usages(os.getpid(), models)), memory_limit())


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header names it. (prometheus_client's own reading fails on odd ones.)"""
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return "application/openmetrics-text" in kinds


@dataclass(frozen=True, slots=True, eq=False)  # prometheus_client asks for a hash
class Figures:
    """A collector of prometheus_client's: one scrape's figures."""

    core: Invocations
    machine: Machine

    @property
    def metrics(self) -> Metrics:
        assert self.core.metrics is not None
        return self.core.metrics

    @property
    def lanes(self) -> list[Lane]:
        return [lane for broker in self.core.brokers for lane in broker.lanes]

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from self._requests()
        yield from self._queue()
        yield from self._models()
        yield from self._processes()
        yield from self._gpus()

    def _requests(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        info = GaugeMetricFamily(
            "byoa_info", "How it serves; always 1.", labels=("version", "mode")
        )
        info.add_metric((__version__, self.core.settings.mode), 1)
        yield info
        requests = CounterMetricFamily(
            "byoa_requests", "Answered invocations by HTTP status.", labels=("status",)
        )
        for status, count in sorted(self.metrics.statuses.items()):
            requests.add_metric((str(status),), count)
        yield requests
        for way, size in (("request", self.metrics.bytes_in), ("response", self.metrics.bytes_out)):
            text = f"Bytes of the bodies of all {way}s."
            yield CounterMetricFamily(f"byoa_{way}_bytes", text, value=size)
        text = "Seconds from a request's head to its answer."
        yield histogram("byoa_request_seconds", text, self.metrics.request)
        for step, name in STEPS.items():
            yield histogram(name, STEP_HELP[step], self.metrics.steps[step])

    def _queue(self) -> Iterator[Metric]:
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

    def _models(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        wanted = sum(each.limits.processes for each in self.core.brokers)
        yield gauge("byoa_model_processes_wanted", "Model processes by plan.", wanted)
        states = Counter(lane.state for lane in self.lanes)
        processes = GaugeMetricFamily(
            "byoa_model_processes", "Model processes by state.", labels=("state",)
        )
        for state in STATES:
            processes.add_metric((state.replace(" ", "_"),), states[state])
        yield processes
        busy = sum(bool(lane.busy) for lane in self.lanes)
        yield gauge("byoa_model_processes_busy", "Model processes that compute now.", busy)
        restarts = CounterMetricFamily(
            "byoa_model_restarts",
            "Model processes that ended: died, or replaced because they had grown too big.",
            labels=("reason",),
        )
        for reason, count in self.metrics.dispatched.restarts.items():
            restarts.add_metric((reason,), count)
        yield restarts

    def _processes(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        resident: Counter[tuple[str, str]] = Counter()
        seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        for usage in self.machine.usages:
            resident[usage.role, usage.index] += usage.resident
            seconds[usage.role, usage.index] += usage.seconds
        labels = ("role", "index")
        memory = GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory by part of serve.", labels=labels
        )
        cpu = CounterMetricFamily(
            "process_cpu_seconds", "Processor time by part of serve.", labels=labels
        )
        for key in resident:
            memory.add_metric(key, resident[key])
            cpu.add_metric(key, seconds[key])
        yield from (memory, cpu)
        limit = self.machine.memory_limit
        yield gauge("byoa_memory_limit_bytes", "Memory that we may use.", limit)

    def _gpus(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        for name, text, field in (
            ("byoa_gpu_memory_used_bytes", "Memory of a GPU in use.", "used"),
            ("byoa_gpu_memory_total_bytes", "Memory of a GPU.", "total"),
            ("byoa_gpu_busy_ratio", "Share of the last moment in which a GPU worked.", "busy"),
        ):
            family = GaugeMetricFamily(name, text, labels=("gpu",))
            for gpu in self.machine.gpus:
                value = getattr(gpu, field)
                if value is not None:
                    family.add_metric((gpu.uuid,), value)
            if family.samples:
                yield family


def gauge(name: str, text: str, value: float) -> Metric:
    """One number."""
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, value=value)


def histogram(name: str, text: str, counted: Histogram) -> Metric:
    """What was counted, as Prometheus has it."""
    from prometheus_client.core import HistogramMetricFamily

    return HistogramMetricFamily(name, text, buckets=counted.cumulative(), sum_value=counted.total)
