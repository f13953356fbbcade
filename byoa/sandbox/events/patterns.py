"""Whether an event pattern matches an event.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from byoa.plan.errors import ServiceError

MISSING: Any = object()
NUMBERS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">": operator.gt,
           ">=": operator.ge}  # fmt: skip


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """All fields of the pattern, each with one of its values. $or: one of several patterns."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(matches(each, event) for each in wanted):
                return False
        elif isinstance(wanted, Mapping):
            if not any(matches(wanted, inner) for inner in inner_events(event, name)):
                return False
        elif not has(wanted, list(values(event, name))):
            return False
    return True


def inner_events(event: Any, name: str) -> list[Any]:
    """What is below a name: an object, or each object of a list. Nothing is an empty object,
    so that `exists: false` can hold inside it."""
    found = event.get(name) if isinstance(event, Mapping) else None
    return list(found) if isinstance(found, list) and found else [found]


def values(event: Any, name: str) -> Iterator[Any]:
    """The leaves below a name: of a list, each item."""
    if not isinstance(event, Mapping) or name not in event:
        return
    found = event[name]
    if isinstance(found, list):
        yield from (item for item in found if not isinstance(item, Mapping | list))
    elif not isinstance(found, Mapping):
        yield found


def has(wanted: list[Any], found: list[Any]) -> bool:
    for each in wanted:
        if isinstance(each, Mapping) and "exists" in each:
            if bool(found) == each["exists"]:
                return True
        elif any(one(each, value) for value in found):
            return True
    return False


def one(wanted: Any, value: Any) -> bool:
    """One value of a pattern against one of an event. A list of an operator means any of it."""
    if not isinstance(wanted, Mapping):
        return same(wanted, value)
    ((name, said),) = wanted.items()
    if name == "anything-but":
        return not any(one(each, value) for each in unsaid(said))
    if name == "numeric":
        return isinstance(value, int | float) and not isinstance(value, bool) and all(
            NUMBERS[sign](value, bound) for sign, bound in zip(said[::2], said[1::2])
        )  # fmt: skip
    if not isinstance(value, str):
        return False
    if name == "cidr":
        return in_network(value, said)
    return bool(TEXTS[name](value, said))


def unsaid(said: Any) -> list[Any]:
    """What anything-but leaves out, each as a pattern's value of its own."""
    if isinstance(said, Mapping):
        ((name, inner),) = said.items()
        return [{name: each} for each in (inner if isinstance(inner, list) else [inner])]
    return said if isinstance(said, list) else [said]


def same(wanted: Any, value: Any) -> bool:
    return bool(wanted == value) and isinstance(wanted, bool) == isinstance(value, bool)


def start(value: str, said: Any) -> bool:
    if isinstance(said, Mapping):
        return value.lower().startswith(said["equals-ignore-case"].lower())
    return value.startswith(said)


def end(value: str, said: Any) -> bool:
    if isinstance(said, Mapping):
        return value.lower().endswith(said["equals-ignore-case"].lower())
    return value.endswith(said)


ESCAPES = {"\\*", "\\\\"}


@lru_cache(maxsize=512)
def wildcard(said: str) -> re.Pattern[str]:
    parts = re.split(r"(\\[\\*]|\*)", said)
    made = [".*" if part == "*" else re.escape(part[1] if part in ESCAPES else part)
            for part in parts]  # fmt: skip
    return re.compile("".join(made), re.DOTALL)


TEXTS: dict[str, Any] = {
    "prefix": start,
    "suffix": end,
    "equals-ignore-case": lambda value, said: value.lower() == said.lower(),
    "wildcard": lambda value, said: wildcard(said).fullmatch(value) is not None,
}
OPERATORS = {*TEXTS, "anything-but", "numeric", "exists", "cidr"}


def in_network(value: str, said: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(said)
    except ValueError:
        return False


def read(text: str, operation: str) -> dict[str, Any]:
    """The pattern, or EventBridge's refusal of it."""
    try:
        pattern = json.loads(text)
    except (ValueError, RecursionError):
        raise refused("Invalid JSON", operation) from None
    if not isinstance(pattern, dict) or not pattern:
        raise refused("Filter is not an object", operation)
    check(pattern, operation)
    return pattern


def check(pattern: Mapping[str, Any], operation: str) -> None:
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            for each in wanted:
                check_object(each, name, operation)
        elif isinstance(wanted, list):
            if not wanted:
                raise refused("Empty arrays are not allowed", operation)
            for each in wanted:
                check_value(each, operation)
        else:
            check_object(wanted, name, operation)


def check_object(inner: Any, name: str, operation: str) -> None:
    if not isinstance(inner, Mapping):
        raise refused(f"'{name}' must be an object or an array", operation)
    if not inner:
        raise refused("Empty objects are not allowed", operation)
    check(inner, operation)


def check_value(each: Any, operation: str) -> None:
    if isinstance(each, list):
        raise refused("Arrays are not allowed inside an array of values", operation)
    if not isinstance(each, Mapping):
        return
    if len(each) != 1:
        raise refused("Only one key allowed in match expression", operation)
    ((name, said),) = each.items()
    if name not in OPERATORS:
        raise refused(f"Unrecognized match type {name}", operation)
    if not good(name, said):
        raise refused(f"{name} match pattern must be of another kind than {said!r}", operation)


def good(name: str, said: Any) -> bool:
    """Whether an operator can work with what it was given."""
    folded = isinstance(said, Mapping) and isinstance(said.get("equals-ignore-case"), str)
    if name in {"prefix", "suffix"}:
        return isinstance(said, str) or folded
    if name == "exists":
        return isinstance(said, bool)
    if name == "numeric":
        return (
            isinstance(said, list) and len(said) in {2, 4}
            and all(isinstance(sign, str) and sign in NUMBERS for sign in said[::2])
            and all(isinstance(bound, int | float) for bound in said[1::2])
        )  # fmt: skip
    if name == "anything-but":
        return good_exception(said)
    return isinstance(said, str)


def good_exception(said: Any) -> bool:
    if isinstance(said, Mapping):
        if len(said) != 1 or not set(said) <= set(TEXTS):
            return False
        ((name, inner),) = said.items()
        return all(good(name, each) for each in (inner if isinstance(inner, list) else [inner]))
    listed = said if isinstance(said, list) else [said]
    return bool(listed) and all(isinstance(each, str | int | float) for each in listed)


def refused(reason: str, operation: str) -> ServiceError:
    text = f"Event pattern is not valid. Reason: {reason}"
    return ServiceError("InvalidEventPatternException", text, operation)
