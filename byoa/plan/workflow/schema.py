"""The schema of an execution's input: names and Python types, held against a value in sentences."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from byoa.plan.errors import UsageError

#: Names to types, [a type] for a list of it, or the names below; `Name?` may be missing.
Schema = Mapping[Any, Any]
TYPES: dict[type, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    bool: ("true or false", (bool,)),
    list: ("a list", (list, tuple)),
    dict: ("an object", (dict,)),
}
NAMES = {kind.__name__: kind for kind in TYPES}


class Problem(NamedTuple):
    kind: str  #: missing, type, unknown
    key: str
    wanted: Any
    value: Any
    sentence: str


def problems_of(value: Any, schema: Any, closed: bool, path: str = "") -> Iterator[Problem]:
    """All that does not fit; `closed` refuses the names that the schema lacks."""
    if isinstance(schema, Mapping):
        if isinstance(value, Mapping):
            yield from _members(value, schema, closed, path)
        else:
            yield _wrong(path, dict, value)
    elif isinstance(schema, list):
        if not isinstance(value, list | tuple):
            yield _wrong(path, list, value)
        else:
            for place, item in enumerate(value):
                yield from problems_of(item, schema[0], closed, f"{path}[{place}]")
    elif isinstance(schema, type) and not _fits(value, schema):
        yield _wrong(path, schema, value)


def _members(
    value: Mapping[Any, Any], schema: Schema, closed: bool, path: str
) -> Iterator[Problem]:
    names = {plain(name): name for name in schema}
    for name, key in names.items():
        if name in value:
            yield from problems_of(value[name], schema[key], closed, _below(path, name))
        elif name == key:
            yield from _missing(schema[key], _below(path, name))
    for name in [name for name in value if closed and schema and name not in names]:
        near = difflib.get_close_matches(str(name), map(str, names), n=1, cutoff=0.6)
        known = f"did you mean {near[0]}?" if near else f"it knows {', '.join(map(str, names))}"
        key = _below(path, name)
        yield Problem("unknown", key, None, value, f"the workflow takes no input {key} - {known}")


def plain(name: Any) -> Any:
    """A schema's name as the input has it: `Image?` is the Image that may be missing."""
    return name.removesuffix("?") if isinstance(name, str) else name


def kind_of(schema: Schema, name: str) -> Any:
    """What the schema says of a name, whether it may be missing or not; None when nothing."""
    return schema.get(name, schema.get(f"{name}?"))


def _missing(schema: Any, path: str) -> Iterator[Problem]:
    """One for each value that is not there, so that all of them can be given at once."""
    needed = [name for name in schema if plain(name) == name] if isinstance(schema, Mapping) else []
    if needed:
        for name in needed:
            yield from _missing(schema[name], _below(path, name))
    else:
        said = f"the input has no {path} - give {_word(schema)}"
        yield Problem("missing", path, schema, None, said)


def _fits(value: Any, kind: type) -> bool:
    types = TYPES.get(kind, ("", (kind,)))[1]
    return isinstance(value, types) and (kind is bool or not isinstance(value, bool))


def _wrong(path: str, kind: Any, value: Any) -> Problem:
    shown = json.dumps(value, default=str)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    where = f"the input {path}" if path else "the input"
    sentence = f"{where} is {shown}, but the workflow takes {_word(kind)} there - write one"
    return Problem("type", path, kind, value, sentence)


def _word(kind: Any) -> str:
    kind = dict if isinstance(kind, Mapping) else list if isinstance(kind, list) else kind
    return TYPES[kind][0] if kind in TYPES else f"a {getattr(kind, '__name__', kind)}"


def _below(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def schema_as_text(schema: Schema, pretty: bool = False) -> str:
    """The schema as JSON: types by their Python names."""
    return json.dumps(_named(schema), indent=4 if pretty else None)


def _named(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {str(name): _named(below) for name, below in schema.items()}
    if isinstance(schema, list):
        return [_named(below) for below in schema]
    return schema.__name__ if isinstance(schema, type) else schema


def schema_from_text(text: str) -> dict[str, Any]:
    """The schema that `schema_as_text` wrote; UsageError for another text."""
    try:
        read = _typed(json.loads(text))
    except ValueError as error:
        raise UsageError(f'the schema is no JSON: {error} - write {{"Name": "str"}}') from None
    if not isinstance(read, dict):
        raise UsageError(f'the schema is {text[:60]} - write an object: {{"Name": "str"}}')
    return read


def _typed(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _typed(below) for name, below in schema.items()}
    if isinstance(schema, list) and len(schema) == 1:
        return [_typed(schema[0])]
    if not isinstance(schema, str) or schema not in NAMES:
        raise UsageError(f"the schema has the type {schema!r} - take {', '.join(NAMES)}")
    return NAMES[schema]
