"""MetricDefinitions over the log as it comes: FinalMetricDataList."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from byoa.local.files import now


class Metrics:
    """The last value of each metric; `feed` takes every line of every host."""

    def __init__(self, definitions: Sequence[Mapping[str, str]]) -> None:
        self.patterns = [(one["Name"], re.compile(one["Regex"])) for one in definitions]
        self.values: dict[str, tuple[float, datetime]] = {}
        self._lock = threading.Lock()

    def feed(self, line: str) -> None:
        for name, pattern in self.patterns:
            for match in pattern.finditer(line):
                value = as_number(match.group(1) if pattern.groups else None)
                if value is not None:
                    with self._lock:
                        self.values[name] = (value, now())

    def final(self) -> list[dict[str, Any]]:
        return [
            {"MetricName": name, "Value": value, "Timestamp": moment}
            for name, (value, moment) in self.values.items()
        ]


def as_number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
