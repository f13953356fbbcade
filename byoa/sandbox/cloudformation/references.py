"""The names that a value of a template refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: ${Name}, ${Name.Attribute}; ${!Literal} is left as ${Literal}.
HOLE = re.compile(r"\$\{(!?)([^${}]*)\}")


def named(given: Any) -> str:
    """The resource that a GetAtt speaks of."""
    first = given.split(".") if isinstance(given, str) else given
    return str(first[0]) if isinstance(first, list) and first else ""


def needs(value: Any) -> Iterator[str]:
    """Names that a value refers to, by Ref, GetAtt or Sub; parameters among them."""
    if isinstance(value, list):
        for item in value:
            yield from needs(item)
    if not isinstance(value, dict):
        return
    for name, given in value.items():
        if name == "Ref" and isinstance(given, str):
            yield given
        elif name == "Fn::GetAtt":
            yield named(given)
        elif name == "Fn::Sub":
            text, own = given if isinstance(given, list) and len(given) == 2 else (given, {})
            yield from needs(own)
            for literal, hole in HOLE.findall(str(text)):
                if not literal and hole.strip() not in own:
                    yield hole.strip().split(".")[0]
        else:
            yield from needs(given)
