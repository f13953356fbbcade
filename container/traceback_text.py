"""Finds the exception in a traceback that is only text."""

from __future__ import annotations

import re
from collections.abc import Sequence

HEADER = "Traceback (most recent call last):"
# torchrun puts `[rank1]: ` before what its ranks print.
_LINE = re.compile(
    r"^(?:\[rank\d+\]:\s*)?(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Exit|Interrupt)): (.+)$"
)
# What only reports the failure of another process; the exception there says more.
_REPORTERS = frozenset({"ChildFailedError", "ProcessRaisedException", "CalledProcessError"})


def last_exception(lines: Sequence[str]) -> str | None:
    """`Type: message` of the last exception that the lines tell of; None without one."""
    for line in reversed(lines):
        found = _LINE.match(line.rstrip())
        if found and found[1] not in _REPORTERS:
            return f"{found[1]}: {found[2]}"
    return None
