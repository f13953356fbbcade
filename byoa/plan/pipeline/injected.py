"""The cell that hands a notebook its parameters, in its own language: papermill's convention.

It comes after the cell tagged `parameters`, whose values it overrides; first where there is none.
https://papermill.readthedocs.io/en/latest/usage-parameterize.html
"""

from __future__ import annotations

import datetime
import json
import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.notebook_source import INJECTED, PARAMETERS, Cell, Notebook


@dataclass(frozen=True)
class Language:
    """How a language writes values down."""

    true: str
    false: str
    none: str
    text: Callable[[str], str]
    pair: str  #: of a mapping, from key and value
    mapping: tuple[str, str]
    sequence: tuple[str, str]
    special: tuple[str, str, str]  #: not a number, infinite, minus infinite
    assign: str = "{} = {}"
    between: str = ", "
    assign_mapping: str = ""  #: where it differs
    flat: bool = False  #: nothing can lie in a mapping or sequence but single values


def quoted(text: str) -> str:
    """A string in double quotes, as Python, R and Julia read it."""
    made = json.dumps(text, ensure_ascii=False)
    try:
        made.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        made = json.dumps(text)
    return made.replace("\x7f", "\\u007f")


def for_julia(text: str) -> str:
    return quoted(text).replace("$", "\\$")


LANGUAGES: Mapping[str, Language] = {
    "python": Language(
        "True", "False", "None", quoted, "{}: {}", ("{", "}"), ("[", "]"),
        ("float('nan')", "float('inf')", "float('-inf')"),
    ),
    "r": Language(
        "TRUE", "FALSE", "NULL", quoted, "{} = {}", ("list(", ")"), ("list(", ")"),
        ("NaN", "Inf", "-Inf"),
    ),
    "julia": Language(
        "true", "false", "nothing", for_julia, "{} => {}", ("Dict(", ")"), ("[", "]"),
        ("NaN", "Inf", "-Inf"),
    ),
    "bash": Language(
        "true", "false", "''", shlex.quote, "[{}]={}", ("(", ")"), ("(", ")"),
        ("nan", "inf", "-inf"), "{}={}", " ", "declare -A {}={}", flat=True,
    ),
}  # fmt: skip


def into(notebook: Notebook, values: Mapping[str, Any]) -> Notebook:
    """The notebook with its injected cell; without values it stays as it is."""
    if not values:
        return notebook
    cell = Cell("code", source(values, notebook.language), (INJECTED,), {"tags": [INJECTED]})
    at = next((n for n, one in enumerate(notebook.cells) if PARAMETERS in one.tags), -1) + 1
    return replace(notebook, cells=(*notebook.cells[:at], cell, *notebook.cells[at:]))


def source(values: Mapping[str, Any], language: str = "python") -> str:
    """The injected cell's own source."""
    words = LANGUAGES.get(language)
    if words is None:
        raise ByoaError(
            f"Parameters cannot be written in {language or 'an unknown language'}; they can in"
            f" {', '.join(LANGUAGES)}."
        )
    lines = []
    for name, value in values.items():
        try:
            form = (isinstance(value, Mapping) and words.assign_mapping) or words.assign
            lines.append(form.format(name_in(language, name), literal(value, words)))
        except TypeError as error:
            raise ByoaError(
                f"Parameter {name!r} cannot be handed to a notebook: {error}."
            ) from None
    return "\n".join(["# Parameters", *lines])


def name_in(language: str, name: str) -> str:
    """R knows no names that begin with an underscore."""
    return name.lstrip("_") if language == "r" else name


def literal(value: Any, words: Language, depth: int = 0) -> str:
    """A value as source text; TypeError says what has none."""
    if depth > 50:
        raise TypeError("it nests deeper than 50 levels")
    if value is None:
        return words.none
    if isinstance(value, bool):
        return words.true if value else words.false
    if isinstance(value, float) and not math.isfinite(value):
        return words.special[0 if math.isnan(value) else 1 if value > 0 else 2]
    if isinstance(value, int | float):
        return repr(value + 0)  # a subclass's repr is its own
    if isinstance(value, datetime.date | datetime.time):
        return words.text(value.isoformat())
    if words.flat and isinstance(value, Mapping):
        value = dict(flattened(value))
    if depth and words.flat and isinstance(value, Mapping | list | tuple | set | frozenset):
        raise TypeError("its language has no values inside of values")
    if isinstance(value, Mapping):
        pairs = (
            words.pair.format(key(name, words), literal(inner, words, depth + 1))
            for name, inner in value.items()
        )
        return words.mapping[0] + words.between.join(pairs) + words.mapping[1]
    if isinstance(value, list | tuple | set | frozenset):
        inner = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        texts = (literal(one, words, depth + 1) for one in inner)
        return words.sequence[0] + words.between.join(texts) + words.sequence[1]
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return words.text(str(value))
    raise TypeError(f"a {type(value).__name__} has no text that a notebook could read")


def flattened(value: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Mappings inside of mappings as one, with dots in its keys."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from flattened(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", inner


def key(name: Any, words: Language) -> str:
    return literal(name, words) if words is LANGUAGES["python"] else words.text(str(name))
