"""A task's limits, as pipeline.yaml writes them: retries, retry_on, timeout, memory, cpus, gpus."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from byoa.plan.pipeline.model import Limits

KEYS = ("retries", "retry_on", "timeout", "memory", "cpus", "gpus")
SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
#: In MiB; without a unit it is MiB, as in AWS Batch.
MEGABYTES = {
    "": 1.0, "m": 1.0, "mb": 1.0, "mib": 1.0, "k": 1 / 1024, "kb": 1 / 1024, "kib": 1 / 1024,
    "g": 1024.0, "gb": 1024.0, "gib": 1024.0, "t": 1024.0**2, "tb": 1024.0**2, "tib": 1024.0**2,
}  # fmt: skip
AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
MOST_ATTEMPTS = 100
NONE = Limits()
Said = Callable[[str, str], None]  #: (key, what is wrong with it)


def limits_of(entry: Mapping[str, Any], say: Said) -> Limits:
    """The limits among a task's keys."""
    if entry.keys().isdisjoint(KEYS):
        return NONE
    retries = whole(entry, "retries", 0, MOST_ATTEMPTS, say)
    return Limits(
        seconds=amount(entry, "timeout", SECONDS, "90, 30m or 2h", say),
        memory_mb=_rounded(amount(entry, "memory", MEGABYTES, "512, 512MB or 4GB", say)),
        cpus=number(entry, "cpus", 1.0, say),
        gpus=whole(entry, "gpus", 0, 64, say),
        attempts=retries + 1,
        retry_on=words(entry, say),
    )


def _rounded(value: float | None) -> int | None:
    return None if value is None else max(1, round(value))


def amount(
    entry: Mapping[str, Any], key: str, units: Mapping[str, float], example: str, say: Said
) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    found = AMOUNT.fullmatch(str(value)) if isinstance(value, (str, int, float)) else None
    unit = units.get(found[2].lower()) if found and not isinstance(value, bool) else None
    if found is None or unit is None or float(found[1]) <= 0:
        say(key, f"{key} is {value!r}. Write {example}.")
        return None
    return float(found[1]) * unit


def whole(entry: Mapping[str, Any], key: str, default: int, most: int, say: Said) -> int:
    value = entry.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    say(key, f"{key} is {value!r}. Write a whole number from 0 to {most}.")
    return default


def number(entry: Mapping[str, Any], key: str, default: float, say: Said) -> float:
    value = entry.get(key, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 4096:
        return value
    say(key, f"{key} is {value!r}. Write how many, from 0 to 4096.")
    return default


def words(entry: Mapping[str, Any], say: Said) -> tuple[str, ...]:
    value = entry.get("retry_on", ())
    said = [value] if isinstance(value, str) else value
    if isinstance(said, (list, tuple)) and all(isinstance(word, str) and word for word in said):
        return tuple(said)
    say("retry_on", f"retry_on is {value!r}. Write names of exceptions, timeout, memory, killed.")
    return ()
