"""The intrinsic functions, States.Format and its kin, read and carried out.

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

from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.history import text

#: Reads a path: "$.a", "$$.Execution.Id", "$variable".
Lookup = Callable[[str], Any]
CALL = re.compile(r"\s*(States\.[A-Za-z0-9]+)\s*\(")
STRING = re.compile(r"\s*'((?:\\.|[^'\\])*)'", re.DOTALL)
NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
WORD = re.compile(r"\s*(true|false|null)\b")
WORDS = {"true": True, "false": False, "null": None}
DEEPEST = 10
HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384",
          "SHA-512": "sha512"}  # fmt: skip


class Raw(str):
    """A text as it stands in the expression: Format still has to see its escapes."""


def evaluate(expression: str, lookup: Lookup) -> Any:
    """The value of one whole expression."""
    value, at = call(expression, 0, lookup, 0)
    if expression[at:].strip():
        raise failure(f"Invalid expression: {expression[at:]!r} follows the end of {expression!r}")
    return value


def failure(cause: str) -> StateError:
    return StateError("States.IntrinsicFailure", cause)


def call(expression: str, at: int, lookup: Lookup, depth: int) -> tuple[Any, int]:
    match = CALL.match(expression, at)
    if match is None or depth > DEEPEST:
        raise failure(f"Invalid intrinsic expression {expression!r}")
    given, at = arguments(expression, match.end(), lookup, depth)
    name = match[1].removeprefix("States.")
    if name not in FUNCTIONS:
        raise failure(f"The intrinsic function States.{name} does not exist")
    if name != "Format":
        given = [plain(value) for value in given]
    try:
        return FUNCTIONS[name](*given), at
    except (TypeError, ValueError, LookupError, AttributeError, UnicodeError) as error:
        raise failure(f"States.{name} could not be carried out: {error}") from None


def arguments(expression: str, at: int, lookup: Lookup, depth: int) -> tuple[list[Any], int]:
    """What stands in the brackets, and where they are closed."""
    given: list[Any] = []
    while True:
        while expression[at : at + 1].isspace():
            at += 1
        if expression[at : at + 1] == ")" and not given:
            return given, at + 1
        value, at = argument(expression, at, lookup, depth)
        given.append(value)
        while expression[at : at + 1].isspace():
            at += 1
        if expression[at : at + 1] == ")":
            return given, at + 1
        if expression[at : at + 1] != ",":
            raise failure(f"Invalid intrinsic expression {expression!r}: see character {at + 1}")
        at += 1


def argument(expression: str, at: int, lookup: Lookup, depth: int) -> tuple[Any, int]:
    if match := STRING.match(expression, at):
        return Raw(match[1]), match.end()
    if match := NUMBER.match(expression, at):
        number = match[1]
        return (float(number) if re.search(r"[.eE]", number) else int(number)), match.end()
    if match := WORD.match(expression, at):
        return WORDS[match[1]], match.end()
    if CALL.match(expression, at):
        return call(expression, at, lookup, depth + 1)
    end = path_end(expression, at)
    return lookup(expression[at:end].strip()), end


def path_end(expression: str, at: int) -> int:
    """Where a path ends: at a comma or bracket that is not inside [...] or quotes."""
    depth, quote = 0, ""
    while at < len(expression):
        character = expression[at]
        if quote and character == "\\":
            at += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[(":
            depth += 1
        elif character in "])" and depth:
            depth -= 1
        elif character in ",)" and not depth:
            break
        at += 1
    return at


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
