"""Prometheus's two texts: families of samples, written as its own client library writes them.

That library takes 50 ms to import and several to write a page, all in the event loop's process;
these are lines of text. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from container.serving.metrics import Histogram

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Labels = tuple[str, ...]


@dataclass(slots=True)
class Family:
    """One metric: its name (a counter's without _total), kind and help, the names of its labels."""

    name: str
    kind: str
    text: str
    labels: Labels = ()
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, *labels: str) -> Family:
        """One more sample; gives the family back."""
        suffix = "_total" if self.kind == "counter" else ""
        self._write(suffix, self.labels, labels, value)
        return self

    def add_all(self, counted: Histogram) -> Family:
        """What was counted, in its buckets; gives the family back."""
        count = 0.0
        for bound, count in counted.cumulative():
            self._write("_bucket", ("le",), (bound,), count)
        self._write("_count", (), (), count)
        self._write("_sum", (), (), counted.total)
        return self

    def _write(self, suffix: str, names: Labels, values: Sequence[str], value: float) -> None:
        pairs = ",".join(f'{name}="{escaped(one)}"' for name, one in zip(names, values))
        braced = f"{{{pairs}}}" if pairs else ""
        self.samples.append(f"{self.name}{suffix}{braced} {number(value)}\n")

    def head(self, openly: bool) -> str:
        """Help and type; in the older form a counter has its full name there, and quotes stay."""
        name = self.name if openly or self.kind != "counter" else f"{self.name}_total"
        text = escaped(self.text) if openly else self.text.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {name} {text}\n# TYPE {name} {self.kind}\n"


def write(families: Iterable[Family], openly: bool) -> bytes:
    """The page: OpenMetrics, or the older text that everything reads."""
    parts = [part for one in families for part in (one.head(openly), *one.samples)]
    return "".join([*parts, "# EOF\n"] if openly else parts).encode()


def number(value: float) -> str:
    """As Go, in which Prometheus is written, reads it."""
    value = float(value)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


def escaped(value: str) -> str:
    """A label's value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
