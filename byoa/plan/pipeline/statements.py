"""An SQL script as its commands, for drivers that take one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

#: What cannot be part of a transaction that we open, or manages one itself (SQLite).
ALONE = {
    *("begin", "commit", "end", "rollback", "savepoint", "release"),
    *("vacuum", "pragma", "attach", "detach"),
}
COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z)", re.DOTALL)
#: What a `;` does not end: strings, names in quotes, comments, PostgreSQL's dollar quotes.
TOKEN = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)|;""",
    re.DOTALL,
)


def split(code: str, token: str, whole: Callable[[str], bool] | None = None) -> Iterator[str]:
    """The commands between tokens; a `;` in a string, a comment or a trigger ends nothing.

    `whole` judges what ends in a `;` (sqlite3.complete_statement knows triggers).
    """
    if token != ";":
        yield from (part for part in code.split(token) if part.strip())
        return
    start = 0
    for found in TOKEN.finditer(code):
        if found.group() != ";":
            continue
        part = code[start : found.end()]
        if whole is None or whole(part):
            start = found.end()
            if head(part) != ";":
                yield part.strip().removesuffix(";") if whole is None else part.strip()
    if head(code[start:]):
        yield code[start:].strip()


def head(command: str) -> str:
    """The command without the comments and spaces before its first word."""
    at = 0
    while found := COMMENT.match(command, at):
        at = found.end()
    return command[at:].strip()


def first_word(command: str) -> str:
    found = re.match(r"\w+", head(command))
    return found.group().lower() if found else ""


def atomic(commands: Sequence[str]) -> bool:
    """Whether the commands can be one transaction."""
    return not ALONE & {first_word(command) for command in commands}
