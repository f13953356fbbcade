"""Values of which part is known before the run: texts as patterns, objects by their keys.

A value is UNKNOWN, a set of patterns that a text may be like, or an object of such values; an
object's REST tells that it may have other keys, too. Nothing (None) is what never happens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from byoa.plan.workflow import patterns
from byoa.plan.workflow.checking import jsonata
from byoa.plan.workflow.patterns import ANY

UNKNOWN = "unknown"
REST = "*"
Value = Any  #: UNKNOWN | frozenset[str] | dict[str, Value] | None
#: Where paths begin ($, $$, $name, $states.input), and what is known there.
Roots = Mapping[str, Value]
OPEN: dict[str, Value] = {REST: UNKNOWN}
MOST, DEEPEST = 8, 8
STEP = re.compile(r"\.([^\W\d][\w-]*)(?!\()|\[\s*(?:'([^'\\]*)'|\"([^\"\\]*)\"|(\d+))\s*\]")
HEAD = re.compile(r"\$states\.(?:input|result|context|errorOutput)\b|\$\$|\$(?:[^\W\d]\w*)?")


def joined(one: Value, other: Value) -> Value:
    """What is known when it may be either."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        both = one | other
        return both if len(both) <= MOST else UNKNOWN
    if isinstance(one, dict) and isinstance(other, dict):
        made = {}
        for key in {**one, **other}:
            missing = [side[REST] for side in (one, other) if key not in side and REST in side]
            made[key] = UNKNOWN if missing else joined(one.get(key), other.get(key))
        return made
    return UNKNOWN


def at(value: Value, steps: list[str]) -> Value:
    """What lies below; UNKNOWN where nobody can say."""
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return UNKNOWN
        value = value[step]
    return value


def put(value: Value, steps: list[str], new: Value) -> Value:
    """The value with another one laid at a path."""
    if not steps:
        return new
    head, *rest = steps
    base = value if isinstance(value, dict) else OPEN
    below = base.get(head, OPEN if REST in base else {})
    return {**base, head: put(below, rest, new)}


def shallow(value: Value, deep: int = DEEPEST) -> Value:
    """What lies too deep is forgotten, so that loops come to an end."""
    if not isinstance(value, dict):
        return value
    return {key: shallow(item, deep - 1) for key, item in value.items()} if deep else UNKNOWN


def path(text: str) -> tuple[str, list[str]] | None:
    """Root and steps of a path that leads to one place; None of any other."""
    head = HEAD.match(text)
    if not head:
        return None
    steps, place = [], head.end()
    while place < len(text):
        step = STEP.match(text, place)
        if not step:
            return None
        steps.append(next(one for one in step.groups() if one is not None))
        place = step.end()
    return head[0], steps


def look(text: str, roots: Roots) -> Value:
    """What a path or a call of JSONPath, or an expression of JSONata, will be."""
    text = _bare(text.strip())
    if found := path(text):
        return at(roots.get(found[0], UNKNOWN), found[1])
    if text.startswith("States."):
        pattern = patterns.of_path(text, lambda argument: single(look(argument, roots)))
    else:
        pattern = patterns.of_expression(text)
    return UNKNOWN if pattern == ANY else frozenset([pattern])


def _bare(text: str) -> str:
    """Without brackets around nothing but a path."""
    inner = text[1:-1].strip() if text.startswith("(") and text.endswith(")") else ""
    return inner if inner and path(inner) else text


def single(value: Value) -> str:
    """The one pattern of a text; * for all else."""
    return next(iter(value)) if isinstance(value, frozenset) and len(value) == 1 else ANY


def template(body: Any, roots: Roots, language: str) -> Value:
    """What a payload template will be."""
    if isinstance(body, Mapping):
        made: dict[str, Value] = {}
        for key, item in body.items():
            name = str(key)
            if language != "JSONata" and name.endswith(".$"):
                made[name[:-2]] = look(str(item), roots)
            else:
                made[name] = template(item, roots, language)
        return made
    if isinstance(body, list):
        return {str(number): template(item, roots, language) for number, item in enumerate(body)}
    if isinstance(body, str):
        if language == "JSONata" and jsonata.is_expression(body):
            return look(body[2:-2], roots)
        return frozenset([body])
    if isinstance(body, int | float) and not isinstance(body, bool):
        return frozenset([str(body)])
    return UNKNOWN


def texts(value: Value, steps: str) -> list[str]:
    """The patterns of a member such as `Entries.EventBusName`; none when it is not there."""
    head, _, rest = steps.partition(".")
    if not isinstance(value, dict):
        return [ANY]
    found = [item for key, item in value.items() if key.lower() == head.lower() and key != REST]
    if not found:
        return [ANY] if REST in value else []
    if not rest:
        return sorted(found[0]) if isinstance(found[0], frozenset) else [ANY]
    if not isinstance(found[0], dict):
        return [ANY]
    items = found[0]
    numbered = items and all(key.isdigit() for key in items)
    below = [texts(item, rest) for item in (items.values() if numbered else [items])]
    return sorted({pattern for one in below for pattern in one})
