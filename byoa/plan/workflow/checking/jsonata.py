"""JSONata in a definition: strings that are `{% … %}` from end to end, with all brackets closed.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

OPEN, CLOSE = "{%", "%}"
PAIRS = {")": "(", "]": "[", "}": "{"}
#: Texts, names in backticks, comments; a / after an operator or a bracket begins a pattern.
SKIPPED = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|/\*.*?\*/"
    r"|(?<=[(,=~>:\[{?&|])\s*/(?:\\.|[^/\\\n])+/[im]*",
    re.DOTALL,
)


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(OPEN) and value.endswith(CLOSE)


def strings(where: str, value: Any) -> Iterator[str]:
    """What is wrong with the expressions at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).endswith(".$"):
                yield (
                    f"{where} has the key {str(key)[:60]!r}, which is JSONPath's"
                    f" - write {str(key)[:-2]!r}: '{{% … %}}'"
                )
            yield from strings(f"{where}.{key}", item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from strings(f"{where}[{place}]", item)
    elif isinstance(value, str):
        yield from expression(where, value)


def whole_expression(where: str, value: str) -> Iterator[str]:
    """For fields whose text can only be an expression."""
    if OPEN not in value and CLOSE not in value:
        yield f"{where} is {value[:60]!r}, but text there must be an expression {{% … %}}"
    else:
        yield from expression(where, value)


def expression(where: str, value: str) -> Iterator[str]:
    begins, ends = value.startswith(OPEN), value.endswith(CLOSE)
    if begins != ends or (begins and len(value) < len(OPEN + CLOSE)):
        yield (
            f"{where} is {value[:60]!r}, but an expression begins with {OPEN} and ends with {CLOSE}"
            ", with no blank around them"
        )
    elif begins and not value[2:-2].strip():
        yield f"{where} is an empty expression - write one between {OPEN} and {CLOSE}"
    elif begins and (why := unbalanced(value[2:-2])):
        yield f"{where} is {value[:60]!r}: {why}"


def unbalanced(code: str) -> str:
    """The bracket or quote that has no partner."""
    plain = SKIPPED.sub(" ", code)
    waiting: list[str] = []
    for sign in plain:
        if sign in PAIRS.values():
            waiting.append(sign)
        elif sign in PAIRS and (not waiting or waiting.pop() != PAIRS[sign]):
            return f"{sign} closes nothing - drop it, or open it"
        elif sign in "\"'`":
            return f"a text has no closing {sign} - add it"
    return f"{waiting[-1]} is not closed - close it" if waiting else ""


def expressions(value: Any) -> Iterator[str]:
    """The code of every expression, without its {% %}."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif is_expression(value):
        yield value[2:-2]
