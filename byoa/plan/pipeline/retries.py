"""Whether a failed attempt is worth another one, and after how long."""

from __future__ import annotations

from collections.abc import Sequence

from byoa.plan.pipeline.model import Limits

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: Of these another attempt changes nothing, whatever `retry_on` says.
FINAL = frozenset({"cancelled", "DAGBuildEarlyStop", "TaskError"})


def pause(limits: Limits, kinds: Sequence[str], attempt: int) -> float | None:
    """Seconds until the next attempt, None when there is none; each pause doubles the last.

    `kinds` are the names of what happened: the exception's class and those above it, or timeout,
    memory, killed, exit.
    """
    if attempt >= limits.attempts or not FINAL.isdisjoint(kinds):
        return None
    if limits.retry_on and not meant(limits.retry_on, kinds):
        return None
    return float(min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))


def meant(wanted: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether one is named: with its module or without (`botocore.exceptions.ClientError`)."""
    return bool({name.rpartition(".")[2] for name in wanted} & set(kinds))
