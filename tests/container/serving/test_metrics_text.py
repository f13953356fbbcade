"""Our text reads as the one that prometheus_client writes of the same figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openly
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from container.serving.metrics import Histogram
from container.serving.metrics_text import Family, write

TEXT = st.text(st.characters(codec="utf-8"))


class Theirs:
    """A collector of families that are there."""

    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> tuple[Metric, ...]:
        return self.families


@given(TEXT, TEXT, st.floats(allow_nan=False), st.lists(st.floats(0, 5000)))
def test_both_read_the_same(text: str, label: str, value: float, values: list[float]) -> None:
    counted = Histogram()
    for one in values:
        counted.add(one)
    ours = [
        Family("a_gauge", "gauge", text, ("x", "y")).add(value, label, "1").add(2, "", label),
        Family("a_counter", "counter", text).add(3),
        Family("a_histogram", "histogram", text).add_all(counted),
    ]
    gauge = GaugeMetricFamily("a_gauge", text, labels=("x", "y"))
    gauge.add_metric((label, "1"), value)
    gauge.add_metric(("", label), 2)
    sums = [(bound, float(count)) for bound, count in counted.cumulative()]
    histogram = HistogramMetricFamily("a_histogram", text, buckets=sums, sum_value=counted.total)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Theirs(gauge, CounterMetricFamily("a_counter", text, value=3), histogram))
    plain, openly = write(ours, openly=False), write(ours, openly=True)
    assert read(plain_families, plain) == read(plain_families, generate_latest(registry))
    assert read(open_families, openly) == read(open_families, generate_openly(registry))
    assert len(read(open_families, openly)) == 3


def read(parse: Callable[[str], Iterable[Metric]], page: bytes) -> list[tuple[object, ...]]:
    found = parse(page.decode())
    return [(one.name, one.type, one.documentation, one.samples) for one in found]
