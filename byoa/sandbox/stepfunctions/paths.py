"""JSONPath as Step Functions reads it: what a path selects, and writing to a reference path.

https://states-language.net/#path (after Goessner's JSONPath)
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

TOKEN = re.compile(
    r"""(?P<deep>\.\.)                              # any depth, then a name or [...]
      | \.(?P<name>[^.\[\]()'"\s,]+)                # .name, .*
      | \[\s*(?P<star>\*)\s*\]                      # [*]
      | \[\s*(?P<quoted>(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
            (?:\s*,\s*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))*)\s*\]
      | \[\s*(?P<slice>-?\d*\s*:\s*-?\d*(?:\s*:\s*-?\d*)?)\s*\]
      | \[\s*(?P<index>-?\d+(?:\s*,\s*-?\d+)*)\s*\]
      | \[\s*\?\s*\((?P<filter>(?:[^()'"]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\([^()]*\))*)\)\s*\]
    """,
    re.VERBOSE,
)
QUOTED = re.compile(r"""'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)\"""")
PIECE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\|\||&&|.""", re.DOTALL)
BARE = re.compile(r"[^.\[\]()'\"\s,]+")
COMPARISON = re.compile(r"\s*(@[^\s=!<>~]*)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*")

Step = tuple[str, Any]


class NoPathError(ValueError):
    """The text is no path, or leads nowhere."""


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[str, tuple[Step, ...]]:
    """What a path starts from ("$", "$$" or a variable's name) and its steps."""
    start = re.match(r"\$\$|\$[A-Za-z_][A-Za-z0-9_]*|\$|@", path)
    if start is None:
        raise NoPathError(f"{path!r} is no path: it has to start with $")
    steps: list[Step] = []
    at = start.end()
    while at < len(path):
        match = TOKEN.match(path, at)
        if match is None:
            raise NoPathError(f"{path!r} is no path: see its character {at + 1}")
        kind = str(match.lastgroup)
        at = match.end()
        if kind == "deep":
            steps.append(("deep", None))
            bare = BARE.match(path, at)
            if bare is not None:
                steps.append(name_step(bare[0]))
                at = bare.end()
            elif at >= len(path) or path[at] != "[":
                raise NoPathError(f"{path!r} is no path: nothing follows ..")
        else:
            steps.append(step(kind, match[kind]))
    return start[0], tuple(steps)


def step(kind: str, said: str) -> Step:
    if kind == "name":
        return name_step(said)
    if kind == "star":
        return "star", None
    if kind == "quoted":
        names = [unquoted(found[0] or found[1]) for found in QUOTED.findall(said)]
        return ("name", names[0]) if len(names) == 1 else ("names", tuple(names))
    if kind == "slice":
        parts = [int(part) if part.strip() else None for part in said.split(":")]
        return "slice", slice(*parts)
    if kind == "index":
        numbers = tuple(int(part) for part in said.split(","))
        return ("index", numbers[0]) if len(numbers) == 1 else ("indices", numbers)
    return "filter", said


def name_step(said: str) -> Step:
    return ("star", None) if said == "*" else ("name", said)


def unquoted(said: str) -> str:
    return re.sub(r"\\(.)", r"\1", said)


def is_definite(steps: tuple[Step, ...]) -> bool:
    """Whether a path can only mean one thing; then it gives a value, not a list of them."""
    return all(kind in {"name", "index"} for kind, _ in steps)


def select(steps: tuple[Step, ...], value: Any) -> Any:
    """What a path selects; NoPathError when a definite one finds nothing."""
    found = list(walk(steps, value))
    if is_definite(steps):
        if not found:
            raise NoPathError("could not be found")
        return found[0]
    return found


def walk(steps: tuple[Step, ...], value: Any) -> Iterator[Any]:
    if not steps:
        yield value
        return
    (kind, said), rest = steps[0], steps[1:]
    if kind == "deep":
        for below in descend(value):
            yield from walk(rest, below)
        return
    for found in taken(kind, said, value):
        yield from walk(rest, found)


def taken(kind: str, said: Any, value: Any) -> Iterator[Any]:
    """What one step selects of one value."""
    if isinstance(value, dict):
        if kind == "name" and said in value:
            yield value[said]
        elif kind == "names":
            yield from (value[name] for name in said if name in value)
        elif kind == "star":
            yield from value.values()
        elif kind == "filter" and holds(said, value):
            yield value
    elif isinstance(value, list):
        if kind == "index" and -len(value) <= said < len(value):
            yield value[said]
        elif kind == "indices":
            yield from (value[at] for at in said if -len(value) <= at < len(value))
        elif kind == "star":
            yield from value
        elif kind == "slice":
            yield from value[said]
        elif kind == "filter":
            yield from (item for item in value if holds(said, item))


def descend(value: Any) -> Iterator[Any]:
    yield value
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in below:
        if isinstance(item, dict | list):
            yield from descend(item)


def holds(condition: str, item: Any) -> bool:
    """A filter: comparisons of @.path with a literal, joined by && and ||."""
    return any(
        all(compare(part, item) for part in apart(either, "&&"))
        for either in apart(condition, "||")
    )


def apart(condition: str, word: str) -> list[str]:
    """The parts between a word that is in no quotes."""
    parts = [""]
    for piece in PIECE.findall(condition):
        if piece == word:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def compare(condition: str, item: Any) -> bool:
    match = COMPARISON.fullmatch(condition.strip().strip("()"))
    if match is None:
        raise NoPathError(f"the filter {condition!r} is not understood")
    path, operator, literal = match.groups()
    found = list(walk(parse(path)[1], item))
    if operator is None:
        return bool(found)
    if not found:
        return False
    left, right = found[0], constant(literal)
    if operator in {"==", "!="}:
        equal = left == right and isinstance(left, bool) == isinstance(right, bool)
        return equal == (operator == "==")
    numbers = all(isinstance(side, int | float) for side in (left, right))
    texts = all(isinstance(side, str) for side in (left, right))
    if not numbers and not texts:
        return False
    return bool(
        {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]
    )


def constant(said: str) -> Any:
    words = {"true": True, "false": False, "null": None}
    if said in words:
        return words[said]
    if said[:1] in "'\"" and said[-1:] == said[:1]:
        return unquoted(said[1:-1])
    try:
        return float(said) if re.search(r"[.eE]", said) else int(said)
    except ValueError:
        raise NoPathError(f"{said!r} is no text and no number") from None


def place(path: str, document: Any, value: Any) -> Any:
    """The document with a value at a reference path (ResultPath); what is missing is made."""
    steps = parse(path)[1]
    if not is_definite(steps):
        raise NoPathError(f"{path!r} may mean several places")
    if not steps:
        return value
    document = copy.deepcopy(document) if isinstance(document, dict | list) else document
    if not isinstance(document, dict | list):
        raise NoPathError(f"the input is {type(document).__name__}, and has no place {path}")
    at: Any = document
    for (kind, said), following in zip(steps, [*steps[1:], None]):
        if not isinstance(at, dict if kind == "name" else list):
            raise NoPathError(f"{path} leads through a value that is not what it takes it for")
        if kind == "index" and not -len(at) <= said < len(at):
            raise NoPathError(f"{path}: the list has no item {said}")
        if following is None:
            at[said] = value
            continue
        if kind == "name" and said not in at:
            at[said] = {}
        at = at[said]
    return document
