"""What a command tells: results on stdout, as a table or as JSON; progress on stderr."""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from byoa.progress import say

__all__ = ["emit", "say"]


def emit(data: Any, arguments: argparse.Namespace | None = None) -> None:
    """A result: JSON with --json, else rows as a table, a mapping as lines, text as it is."""
    if getattr(arguments, "json", False):
        print(json.dumps(data, indent=2, default=plain))
    elif isinstance(data, Mapping):
        print(table([[f"{name}:", cell(value)] for name, value in data.items()]))
    elif isinstance(data, Sequence) and not isinstance(data, str):
        print(table(rows(data)))
    else:
        print(data)


def rows(data: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A header of every key that is somewhere used, and a line for each item."""
    if not data:
        return []
    names = list(dict.fromkeys(name for item in data for name in item))
    return [
        [name.upper().replace("_", " ") for name in names],
        *([cell(item.get(name)) for name in names] for item in data),
    ]


def table(lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return "(nothing)"
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines
    )


def cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime.datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={cell(item)}" for name, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value) or "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """What JSON has no form for."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)
