"""What the intrinsic functions do; JSONata's $hash, $partition and $range are among them.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import uuid
from collections.abc import Callable
from typing import Any

from byoa.sandbox.stepfunctions.history import text

HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384",
          "SHA-512": "sha512"}  # fmt: skip


class Raw(str):
    """A text as it stands in the expression: Format still has to see its escapes."""


def plain(value: Any) -> Any:
    return re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) if isinstance(value, Raw) else value


def format_(template: str, *values: Any) -> str:
    """{} for each value; \\{ and \\} are braces."""
    rest = list(values)
    parts = re.split(r"(\\.|\{\})", template, flags=re.DOTALL)
    if parts.count("{}") != len(rest):
        raise ValueError(f"{parts.count('{}')} places for {len(rest)} values")
    return "".join(
        shown(rest.pop(0)) if part == "{}" else part[1:] if part.startswith("\\") else part
        for part in parts
    )


def shown(value: Any) -> str:
    value = plain(value)
    if isinstance(value, dict | list):
        raise ValueError("a list or an object is no text; States.JsonToString makes it one")
    return value if isinstance(value, str) else text(value)


def array_range(first: int, last: int, step: int) -> list[int]:
    found = list(range(whole(first), whole(last) + (1 if step > 0 else -1), whole(step)))
    if len(found) > 1000:
        raise ValueError("more than 1000 items")
    return found


def whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(f"{number!r} is no number")
    return round(number)


def unique(items: list[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for item in items:
        found.setdefault(text(item), item)
    return list(found.values())


def listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{text(value)} is no array")
    return value


def item_at(items: Any, index: int) -> Any:
    if whole(index) < 0:
        raise LookupError("the index is below 0")
    return listed(items)[whole(index)]


def partition(items: Any, size: int) -> list[Any]:
    if whole(size) < 1:
        raise ValueError("the size of a chunk has to be above 0")
    return [items[at : at + whole(size)] for at in range(0, len(listed(items)), whole(size))]


def merge(left: Any, right: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise ValueError("only the shallow merge (false) is supported")
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise ValueError("it merges objects")
    return {**left, **right}


def random_number(first: int, last: int, seed: Any = None) -> int:
    chosen = random.Random(seed) if seed is not None else random.Random()
    return chosen.randrange(whole(first), whole(last))


def hashed(value: Any, algorithm: str) -> str:
    if algorithm not in HASHES:
        raise ValueError(f"{algorithm!r} is none of {', '.join(HASHES)}")
    said = value if isinstance(value, str) else text(value)
    return hashlib.new(HASHES[algorithm], said.encode(), usedforsecurity=False).hexdigest()


def split(value: str, characters: str) -> list[str]:
    """Each of the characters divides; nothing between two of them is no part."""
    return [part for part in re.split(f"[{re.escape(characters)}]+", value) if part]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Format": format_,
    "StringToJson": json.loads,
    "JsonToString": text,
    "Array": lambda *items: list(items),
    "ArrayPartition": partition,
    "ArrayContains": lambda items, value: text(value) in map(text, listed(items)),
    "ArrayRange": array_range,
    "ArrayGetItem": item_at,
    "ArrayLength": lambda items: len(listed(items)),
    "ArrayUnique": lambda items: unique(listed(items)),
    "Base64Encode": lambda value: base64.b64encode(value.encode()).decode(),
    "Base64Decode": lambda value: base64.b64decode(value, validate=True).decode(),
    "Hash": hashed,
    "JsonMerge": merge,
    "MathRandom": random_number,
    "MathAdd": lambda left, right: whole(left) + whole(right),
    "StringSplit": split,
    "UUID": lambda: str(uuid.uuid4()),
}
