"""What an execution is given: its schema, which travels with the definition, and the check.

A state machine has no field for a schema, and a tag has no room for one. The last line of the
definition's Comment holds it: it is there for whoever can read the definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.schema import Schema, kind_of, problems_of, schema_as_text, schema_from_text

MARK = "byoa:input"
LINE = re.compile(rf"(?:^|\n){MARK} (\{{.*\}})\s*\Z")
#: AWS's limit of an execution's input, in bytes of UTF-8.
LONGEST = 262_144


def with_schema(definition: Mapping[str, Any], schema: Schema | None) -> dict[str, Any]:
    """The definition with the schema as its Comment's last line; none takes it away."""
    said = comment_of(definition)
    line = f"{MARK} {schema_as_text(schema)}" if schema else ""
    comment = "\n".join(part for part in (said, line) if part)
    rest = {key: item for key, item in definition.items() if key != "Comment"}
    return {"Comment": comment, **rest} if comment else rest


def schema_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that `with_schema` wrote; {} when there is none."""
    found = LINE.search(str(definition.get("Comment", "")))
    try:
        return schema_from_text(found[1]) if found else {}
    except (UsageError, RecursionError):  # somebody's own words
        return {}


def comment_of(definition: Mapping[str, Any]) -> str:
    """The Comment as its author wrote it."""
    return LINE.sub("", str(definition.get("Comment", "")))


def checked(schema: Schema, given: Any) -> str:
    """The input as JSON text; UsageError tells all that is wrong. Without a schema any is right."""
    if schema and (found := [one.sentence for one in problems_of(given, schema, closed=True)]):
        raise UsageError("\n".join(found))
    try:
        text = json.dumps(given, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The input cannot be written as JSON: {error}. Mend it.") from error
    if len(text) > LONGEST:
        raise UsageError(
            f"The input is {len(text):,} bytes, and Step Functions takes {LONGEST:,}. Put it on S3"
            " and give its address."
        )
    return text


def typed(schema: Schema, words: Sequence[str], flag: str = "-i") -> dict[str, Any]:
    """`key=value`, `key:=json` and `a.b=value` as an input; the schema says what a value becomes.

    Without a schema `key=value` is text.
    """
    made: dict[str, Any] = {}
    for word in words:
        name, mark, value = parted(word, flag)
        kind, into, last = place(schema, made, name)
        into[last] = parsed(word, value, flag) if mark == ":=" else converted(kind, value)
    return made


def parted(word: str, flag: str) -> tuple[str, str, str]:
    found = re.match(r"([^=:]+)(:?=)", word)
    if not found:
        form = "key=value and no key:=JSON" if flag == "-i" else "KEY=PATH"
        raise UsageError(f"{flag} {word[:60]!r} is no {form}. Write one.")
    return found[1], found[2], word[found.end() :]


def place(schema: Schema, made: dict[str, Any], name: str) -> tuple[Any, dict[str, Any], str]:
    """The type, the object and the key of a name; dots go into what the schema nests."""
    head, dot, rest = name.partition(".")
    below = kind_of(schema, head)
    if dot and kind_of(schema, name) is None and isinstance(below, Mapping):
        return place(below, made.setdefault(head, {}), rest)
    return kind_of(schema, name), made, name


def parsed(word: str, value: str, flag: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{flag} {word[:60]!r}: after := stands no JSON: {error}.") from error


def converted(kind: Any, value: str) -> Any:
    """The text as the schema's type where it can be read so; the check tells of the others."""
    if kind in (None, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value if any(problems_of(found, kind, closed=False)) else found
