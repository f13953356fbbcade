"""What AWS's model says of a value, checked; what is wrong, in AWS's own words.

botocore checks types, required members and the least length before it sends. Patterns, enumerations
and the greatest lengths are checked by the service, so they are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import Shape

from byoa.plan.errors import ServiceError
from byoa.sandbox.wire import Call

#: Java's classes of characters inside [...], near enough in Python's words.
CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{M}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{Alnum}": "a-zA-Z0-9",
}
SHOWN = 500


def check(call: Call, code: str = "ValidationException") -> None:
    """An error with everything that is wrong with the input of a call."""
    shape = call.model.input_shape
    found = [] if shape is None else list(problems(call.parameters, shape, ""))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise ServiceError(code, count + "; ".join(found), call.operation)


def problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """One clause for each constraint that a value, or something inside it, does not hold."""
    failed = list(constraints(value, shape))
    for text in failed:
        yield clause(value, path, text)
    if failed:
        return
    if shape.type_name == "structure":
        yield from members(value, shape, path)
    elif shape.type_name == "list":
        for at, item in enumerate(value, start=1):
            yield from problems(item, shape.member, f"{path}.{at}.member")
    elif shape.type_name == "map":
        yield from entries(value, shape, path)


def members(value: Mapping[str, Any], shape: Shape, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield clause(None, joined(path, name), "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from problems(value[name], member, joined(path, name))


def entries(value: Mapping[str, Any], shape: Shape, path: str) -> Iterator[str]:
    """A map is refused as a whole: "Map value must satisfy constraint: […]"."""
    for kind, items, inner in (
        ("keys", list(value), shape.key),
        ("value", list(value.values()), shape.value),
    ):
        broken = [text for item in items for text in constraints(item, inner)]
        if broken:
            yield clause(value, path, f"Map {kind} must satisfy constraint: [{broken[0]}]")


def joined(path: str, name: str) -> str:
    """AWS writes members from the outside in, each with a small first letter."""
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def clause(value: Any, path: str, text: str) -> str:
    said = "null" if value is None else str(value)[:SHOWN]
    return f"Value '{said}' at '{path}' failed to satisfy constraint: {text}"


def constraints(value: Any, shape: Shape) -> Iterator[str]:
    """The constraints of one value, without those of what is inside it."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    kind = shape.type_name
    if kind in {"string", "list", "blob", "map"}:
        yield from bounds(len(value), least, most, "length")
    elif kind in {"integer", "long", "float", "double"}:
        yield from bounds(value, least, most, "value")
    if kind != "string":
        return
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if enum and value not in enum:
        yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
    known = matcher(pattern) if pattern else None
    if known is not None and not known.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


def bounds(size: float, least: Any, most: Any, what: str) -> Iterator[str]:
    if least is not None and size < float(least):
        yield f"Member must have {what} greater than or equal to {least}"
    if most is not None and size > float(most):
        yield f"Member must have {what} less than or equal to {most}"


@cache
def matcher(pattern: str) -> re.Pattern[str] | None:
    """The pattern in Python; None for the few that only Java reads: those are not checked."""
    for java, python in CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None
