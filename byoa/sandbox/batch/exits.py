"""Whether a job that ended badly begins again.

https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What Batch says of a job whose container ran, however it ended.
EXITED = "Essential container in task exited"


@dataclass(frozen=True)
class Ending:
    """How one attempt ended."""

    exit_code: int | None = None  #: none: nobody saw the container end
    reason: str = ""  #: the container's own
    status_reason: str = EXITED
    final: bool = False  #: stopped on purpose or by its time limit: never begun again

    @property
    def good(self) -> bool:
        return self.exit_code == 0 and not self.final


def begins_again(ending: Ending, strategy: Mapping[str, Any], done: int) -> bool:
    """After `done` attempts: the first rule that fits decides, without one it does."""
    if ending.good or ending.final or done >= int(strategy.get("attempts") or 1):
        return False
    for rule in strategy.get("evaluateOnExit") or ():
        if fits(rule, ending):
            return str(rule["action"]).upper() == "RETRY"
    return True


def fits(rule: Mapping[str, Any], ending: Ending) -> bool:
    """Every condition that the rule has."""
    code = "" if ending.exit_code is None else str(ending.exit_code)
    said = {
        "onStatusReason": ending.status_reason,
        "onReason": ending.reason,
        "onExitCode": code,
    }
    return all(like(said[name], str(rule[name])) for name in said if rule.get(name))


def like(text: str, pattern: str) -> bool:
    """A pattern may end in an asterisk; `*` alone fits what is empty, too."""
    if pattern.endswith("*"):
        return text.lower().startswith(pattern[:-1].lower())
    return text.lower() == pattern.lower()
