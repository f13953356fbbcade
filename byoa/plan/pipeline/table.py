"""YAML's values with the lines that they stand in; the shape in which all of a pipeline is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Table(dict[Any, Any]):
    """A mapping that knows its lines: its own, and its keys'."""

    __slots__ = ("line", "lines")
    line: int
    lines: dict[Any, int]

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines = {}

    def line_of(self, key: Any) -> int:
        return self.lines.get(key, self.line)


def line_of(value: Any, key: Any = None) -> int:
    """The line of a mapping, or of a key in it; 0 where nobody knows."""
    return value.line_of(key) if isinstance(value, Table) else 0


def mapped(value: Any, change: Callable[[str], Any], memo: dict[int, Any] | None = None) -> Any:
    """The same with every text changed, keys left as they are; what is shared stays shared."""
    if isinstance(value, str):
        return change(value)
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, Mapping):
        made: Any = {}
        if isinstance(value, Table):
            made = Table(value.line)
            made.lines = value.lines
        memo[id(value)] = made
        for key, inner in value.items():
            made[key] = change(inner) if type(inner) is str else mapped(inner, change, memo)
        return made
    made = [mapped(inner, change, memo) for inner in value]
    memo[id(value)] = made
    return made


def plain(value: Any) -> Any:
    """The same without lines, for the user's code: dicts and lists, nothing of ours."""
    if type(value) in {Table, dict}:
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if type(value) is list else value
