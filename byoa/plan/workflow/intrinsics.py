"""Step Functions' 18 intrinsic functions; each can be an argument of another.

The same object is a States.… function in JSONPath and its counterpart in JSONata.
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import JSONATA, JSONPATH, Text, at_run_time
from byoa.plan.workflow.writing import RESERVED, escaped, in_pattern, part, quoted, sayable

HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")


def array(*items: Any) -> Text:
    """A list of the items."""
    return _call("Array", "[{all}]", *items)


def array_partition(items: Any, size: Any) -> Text:
    """The list in pieces of a size."""
    return _call("ArrayPartition", "$partition({0}, {1})", items, size)


def array_contains(items: Any, value: Any) -> Text:
    """Whether the list has the value."""
    return _call("ArrayContains", "({1} in {0})", items, value)


def array_range(first: Any, last: Any, step: Any) -> Text:
    """Numbers from the first up to the last one, both in it when the step meets it."""
    return _call("ArrayRange", "$range({0}, {1}, {2})", first, last, step)


def array_get_item(items: Any, index: Any) -> Text:
    """The item at an index, from 0."""
    return _call("ArrayGetItem", "({0})[{1}]", items, index)


def array_length(items: Any) -> Text:
    """How many items the list has."""
    return _call("ArrayLength", "$count({0})", items)


def array_unique(items: Any) -> Text:
    """The list with each item once."""
    return _call("ArrayUnique", "$distinct({0})", items)


def base64_encode(text: Any) -> Text:
    """The text in base64."""
    return _call("Base64Encode", "$base64encode({0})", text)


def base64_decode(text: Any) -> Text:
    """What the base64 says."""
    return _call("Base64Decode", "$base64decode({0})", text)


def hash_(value: Any, algorithm: str = "SHA-256") -> Text:
    """The hash of a value, in hex digits."""
    if not at_run_time(algorithm) and algorithm not in HASHES:
        raise UsageError(f"there is no hash {algorithm!r} - take one of {', '.join(HASHES)}")
    return _call("Hash", "$hash({0}, {1})", value, algorithm)


def json_merge(first: Any, second: Any) -> Text:
    """Two objects in one, one level deep; the second one's fields win."""
    return _call("JsonMerge", "$merge([{0}, {1}])", first, second, tail=", false")


def string_to_json(text: Any) -> Text:
    """What a text of JSON says."""
    return _call("StringToJson", "$parse({0})", text)


def json_to_string(value: Any) -> Text:
    """A value as a text of JSON."""
    return _call("JsonToString", "$string({0})", value)


def math_random(start: Any, end: Any, seed: Any = None) -> Text:
    """A whole number of chance from the start up to, not at, the end."""
    seeds = [] if seed is None else [seed]
    chance = "$random({2})" if seeds else "$random()"
    return _call("MathRandom", f"($floor({chance} * ({{1}} - {{0}})) + {{0}})", start, end, *seeds)


def math_add(first: Any, second: Any) -> Text:
    """The sum of two whole numbers."""
    return _call("MathAdd", "({0} + {1})", first, second)


def string_split(text: Any, separator: Any) -> Text:
    """The pieces of a text; each character of the separator separates."""
    if at_run_time(separator) or len(separator) == 1:
        return _call("StringSplit", "[$split({0}, {1})[$ != '']]", text, separator)
    characters = "".join(map(in_pattern, separator))
    return _call("StringSplit", f"[$split({{0}}, /[{characters}]/)[$ != '']]", text, separator)


def uuid_() -> Text:
    """A new UUID."""
    return _call("UUID", "$uuid()")


def format_(form: str, *values: Any) -> Text:
    """The text with each {} filled: format_("{}-{}", prefix, name)."""
    words = form.split("{}")
    if len(words) != len(values) + 1:
        raise UsageError(
            f"{form!r} has {len(words) - 1} {{}} for {len(values)} values - give it one for each"
        )
    inner = "{}".join(escaped(word, RESERVED) for word in words)
    pieces = [f"$string({{{place}}})" for place in range(len(values))]
    texts = [quoted(word).replace("{", "{{").replace("}", "}}") for word in words]
    joined = [texts[0], *(part for pair in zip(pieces, texts[1:]) for part in pair)]
    said = " & ".join(part for part in joined if part != '""') or '""'
    return _call("Format", said, *values, head=f"'{inner}'")


def _call(name: str, jsonata: str, *values: Any, head: str = "", tail: str = "") -> Text:
    """The function in both languages; not in the one that an argument cannot be written in."""
    paths, expressions = _all_written(values, JSONPATH), _all_written(values, JSONATA)
    path = expression = None
    if paths is not None:
        arguments = ", ".join([*([head] if head else []), *paths])
        path = f"States.{name}({arguments}{tail})"
    if expressions is not None:
        expression = jsonata.format(*expressions, all=", ".join(expressions))
    return Text.marked(path, expression, tuple(one for one in values if at_run_time(one)))


def _all_written(values: tuple[Any, ...], language: str) -> list[str] | None:
    if any(sayable(value, language) is False for value in values):
        return None
    return [part(value, language) for value in values]
