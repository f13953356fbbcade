"""Things of the user's by name: `module.name`, `module::name`, {dotted_path: …, keywords}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from byoa.plan.pipeline.model import Dotted
from byoa.plan.pipeline.table import plain
from byoa.plan.pipeline.upstream import CodeError

NAME = r"[^\W\d]\w*"
PATH = re.compile(rf"{NAME}(?:\.{NAME})*(?:\.|::){NAME}")
STRICT = re.compile(rf"{NAME}(?:\.{NAME})*::{NAME}")


def dotted(value: Any, what: str) -> Dotted | None:
    """The Dotted that a value says; None for none; CodeError for what is no name."""
    if value is None:
        return None
    if isinstance(value, Dotted):
        return value
    if callable(value):
        return Dotted(name_of(value), object=value)
    arguments: dict[str, Any] = {}
    path = value
    if isinstance(value, Mapping):
        arguments = {str(key): plain(inner) for key, inner in value.items()}
        path = arguments.pop("dotted_path", None)
        if callable(path):
            return Dotted(name_of(path), arguments, path)
    if not isinstance(path, str) or not PATH.fullmatch(path):
        raise CodeError(
            f"{what} is {value!r}. Write module.name, or dotted_path: module.name and its keywords."
        )
    return Dotted(path.replace("::", "."), arguments)


def name_of(thing: Any) -> str:
    """What a function, or an object that can be called, is called."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"


def called(value: Any) -> Dotted | None:
    """`module::function`, alone or as dotted_path: a value that a function returns."""
    path = value.get("dotted_path") if isinstance(value, Mapping) else value
    if not isinstance(path, str) or "::" not in path or not STRICT.fullmatch(path):
        return None
    given = value if isinstance(value, Mapping) else {}
    more = {str(key): inner for key, inner in given.items() if key != "dotted_path"}
    return Dotted(path.replace("::", "."), more)
