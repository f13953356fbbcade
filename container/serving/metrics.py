"""What `/metrics` counts while requests pass: numbers in lists, for the price of a bisection.

Nothing here knows Prometheus: `metrics_page` makes its text of these when somebody asks. So a
request pays microseconds, and a `serve` that nobody asks never imports prometheus_client.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence

#: Seconds: 1 ms to the minute that SageMaker waits; beyond it async and batch, which wait an hour.
SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    *(300.0, 900.0, 3600.0),
)
#: There from the start: a counter that begins with one shows no increase.
USUAL = (200, 400, 500, 503, 504)
#: What Server-Timing and the log call a step -> its metric.
STEPS = {
    "queue": "byoa_queue_wait_seconds",
    "decode": "byoa_decode_seconds",
    "model": "byoa_model_seconds",
    "encode": "byoa_encode_seconds",
    "gzip": "byoa_gzip_seconds",
}


class Histogram:
    """How many values fell below each bound (and not below the one before), and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def cumulative(self) -> list[tuple[str, float]]:
        """(bound, values up to it) as Prometheus has them, the last one's bound is +Inf."""
        names = [*(str(float(bound)) for bound in self.bounds), "+Inf"]
        sums: list[tuple[str, float]] = []
        for name, count in zip(names, self.counts):
            sums.append((name, count + (sums[-1][1] if sums else 0)))
        return sums


class Dispatched:
    """What brokers count: micro-batches by size, model processes that ended."""

    def __init__(self) -> None:
        self.batch_sizes: Counter[int] = Counter()
        self.restarts = Counter(died=0, replaced=0)


class Metrics:
    """All that is counted of invocations."""

    def __init__(self) -> None:
        self.dispatched = Dispatched()  # of all brokers, also of those that are gone
        self.statuses = Counter(dict.fromkeys(USUAL, 0))
        self.bytes_in = self.bytes_out = 0
        self.request = Histogram()
        self.steps = {name: Histogram() for name in STEPS}

    def count(
        self, status: int, times: Mapping[str, float], seconds: float, sizes: tuple[int, int]
    ) -> None:
        """One answered invocation: where its time went (milliseconds), bytes in and out."""
        self.statuses[status] += 1
        self.bytes_in += sizes[0]
        self.bytes_out += sizes[1]
        self.request.add(seconds)
        for name, milliseconds in times.items():
            histogram = self.steps.get(name)
            if histogram is not None:
                histogram.add(milliseconds / 1000)
