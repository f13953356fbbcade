"""Retry and Catch: which rule takes an error, and how long to wait before the next attempt."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from byoa.sandbox.stepfunctions.errors import matches

Rule = Mapping[str, Any]


class Retries:
    """The attempts of one visit to a state. Each retrier counts its own."""

    def __init__(self, retriers: Sequence[Rule]) -> None:
        self.retriers = retriers
        self.used: Counter[int] = Counter()

    def delay(self, error: str) -> float | None:
        """Seconds until the next attempt; None when there is none left."""
        for at, rule in enumerate(self.retriers):
            if not matches(error, rule["ErrorEquals"]):
                continue
            if self.used[at] >= rule.get("MaxAttempts", 3):
                return None
            seconds = rule.get("IntervalSeconds", 1) * rule.get("BackoffRate", 2.0) ** self.used[at]
            seconds = min(seconds, rule.get("MaxDelaySeconds", 31_622_400))
            self.used[at] += 1
            return random.uniform(0, seconds) if rule.get("JitterStrategy") == "FULL" else seconds
        return None


def catcher(catchers: Sequence[Rule], error: str) -> Rule | None:
    return next((rule for rule in catchers if matches(error, rule["ErrorEquals"])), None)
