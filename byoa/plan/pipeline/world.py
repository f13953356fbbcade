"""What reading a pipeline asks of the world outside; byoa.pipeline.load answers it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from byoa.plan.pipeline.model import Dotted


@dataclass(frozen=True)
class Function:
    """A user's function as its source says it; not `read`: nobody knows what it takes."""

    name: str
    file: str = ""
    line: int = 0
    arguments: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    anything: bool = False  #: it takes **keywords
    upstream: tuple[str, ...] = ()
    read: bool = True


@dataclass(frozen=True)
class World:
    """Folders are absolute; `read`, `exists` and `document` take absolute paths."""

    root: str  #: products and sources are relative to it
    folder: str  #: where pipeline.yaml is
    read: Callable[[str], str]  #: OSError, UnicodeDecodeError
    exists: Callable[[str], bool]
    document: Callable[[str], Any]  #: a YAML file's value; UsageError
    function: Callable[[str], Function]  #: by module.name; CodeError
    function_of: Callable[[Any], Function]  #: of the thing itself
    missing: Callable[[str], str]  #: why there is no module.name; "" where there is, or may be
    module_folder: Callable[[str], str | None]
    call: Callable[[Dotted], Any]  #: what the user's function returns; CodeError


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef, file: str = "") -> Function:
    """What a definition takes and asks for."""
    from byoa.plan.pipeline.upstream import of_function

    said = node.args
    plain = [*said.posonlyargs, *said.args]
    defaults = len(plain) - len(said.defaults)
    keywords = [
        argument.arg
        for argument, default in zip(said.kwonlyargs, said.kw_defaults, strict=True)
        if default is None
    ]
    return Function(
        name=node.name,
        file=file,
        line=node.lineno,
        arguments=tuple(argument.arg for argument in [*plain, *said.kwonlyargs]),
        required=tuple([argument.arg for argument in plain[:defaults]] + keywords),
        anything=said.kwarg is not None,
        upstream=of_function(node),
    )
