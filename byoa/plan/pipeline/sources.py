"""A task's code: its kind, where it is, and what it says about upstream and products."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.dotted import name_of
from byoa.plan.pipeline.entries import Entry
from byoa.plan.pipeline.model import Kind, Source
from byoa.plan.pipeline.parameters import ParametersCell, parameters_cell
from byoa.plan.pipeline.problems import meant
from byoa.plan.pipeline.products import relative
from byoa.plan.pipeline.sections import Sections
from byoa.plan.pipeline.upstream import (
    CodeError,
    names_in,
    of_cell,
    of_template,
    product_of_cell,
    product_of_template,
)
from byoa.plan.pipeline.world import Function, World

#: What only pipelines from Python say: code with no file, and where Jinja looks for its imports.
INLINE, TEMPLATES = "text", "templates"


@dataclass(frozen=True)
class Code:
    """What was found out about a task's code."""

    kind: Kind
    source: Source
    name: str  #: the task's, where it says none
    upstream: tuple[str, ...] = ()
    product: Any = None  #: extract_product's
    function: Function | None = None
    asks_for: tuple[str, ...] = ()  #: its arguments, or what its parameters cell assigns


def kind_of(keys: Mapping[str, Any]) -> Kind:
    """By class, by the source's suffix, by a dot; CodeError says what is wrong."""
    said, source = keys.get("class"), keys.get("source")
    if said is not None:
        name = str(said)
        if name in kinds.NO_CLASSES:
            raise CodeError(f"class {name} is not taken over. {kinds.NO_CLASSES[name]}")
        if name not in kinds.CLASSES:
            raise CodeError(f"{said!r} is no class. {meant(name, kinds.CLASSES)}")
        return kinds.CLASSES[name]
    if callable(source):
        return "function"
    if not isinstance(source, str) or not source.strip():
        raise CodeError(no_source(keys))
    suffix = posixpath.splitext(source)[1]
    if suffix == ".sql":
        product = keys.get("product")
        ending = posixpath.splitext(product)[1] if isinstance(product, str) else ""
        return "sql-dump" if ending in kinds.DUMPS else "sql-script"
    if suffix in kinds.SUFFIXES:
        return kinds.SUFFIXES[suffix]
    if "." not in source or "/" in source:
        raise CodeError(
            f"source {source!r} is neither a file that ends in"
            f" {', '.join(kinds.SUFFIXES)} nor module.function."
        )
    return "function"


def no_source(keys: Mapping[str, Any]) -> str:
    """Why a task has none: it is no text, or its key is written otherwise."""
    source = keys.get("source")
    if source:
        return f"source is {source!r}, no text."
    near = difflib.get_close_matches("source", [str(key).lower() for key in keys], 1)
    meant_key = near and near[0] != "source"
    return (
        f"there is no key {near[0]!r}. Did you mean 'source'?"
        if meant_key
        else "source is missing."
    )


def code_of(entry: Entry, sections: Sections, world: World) -> Code:
    """Reads the code as far as it can be without running it."""
    kind = kind_of(entry.keys)
    source = entry.keys.get("source")
    if kind == "function":
        return function_code(source, sections, world)
    if kind in kinds.NO_SOURCE:
        return job_code(kind, source, world)
    if entry.keys.get(INLINE) is not None:
        text = str(entry.keys[INLINE])
        upstream = of_template(text) if kind in kinds.TEMPLATES else ()
        return Code(kind, Source(text=text), "", upstream)
    if not isinstance(source, str) or not source.strip():
        raise CodeError(no_source(entry.keys))
    if kind in kinds.TEXT_SOURCE:
        return text_code(kind, source, world)
    return file_code(kind, entry, source, sections, world)


def function_code(source: Any, sections: Sections, world: World) -> Code:
    if callable(source):
        function = world.function_of(source)
        made = Source(dotted=name_of(source), object=source)
    else:
        dotted = str(source).replace("::", ".")
        function = world.function(dotted)
        made = Source(dotted=dotted)
    if sections.extract_product:
        raise CodeError("extract_product is on, and a function cannot say its product.")
    return Code(
        "function", made, function.name, function.upstream, None, function, function.arguments
    )


def job_code(kind: Kind, source: Any, world: World) -> Code:
    """A script or a folder is read when the job is made; link and input have no source."""
    if source is None or kind in {"link", "input"}:
        return Code(kind, Source(), "")
    if not isinstance(source, str):
        raise CodeError(f"source is {source!r}, no path.")
    whole = posixpath.normpath(posixpath.join(world.root, source))
    if not world.exists(whole):
        raise CodeError(f"source {source} is not there.")
    return Code(kind, Source(path=relative(whole, world.root)), stem(source))


def text_code(kind: Kind, source: str, world: World) -> Code:
    """A URL, or a path that may be a product of another task."""
    upstream = of_template(source)
    path = ""
    if kind != "download" and "{{" not in source:
        path = relative(posixpath.normpath(posixpath.join(world.root, source)), world.root)
    return Code(kind, Source(path=path, text=source), stem(source), upstream)


def file_code(kind: Kind, entry: Entry, source: str, sections: Sections, world: World) -> Code:
    whole = place_of(entry, source, sections, world)
    try:
        text = world.read(whole)
    except FileNotFoundError:
        where = f" in {', '.join(sections.loader)}" if sections.loader else ""
        raise CodeError(f"source {source} is not there{where}.") from None
    except (OSError, ValueError) as error:
        raise CodeError(f"source {source} cannot be read: {error}.") from None
    made = Source(path=relative(whole, world.root), text=text)
    if kind in kinds.TEMPLATES:
        check_template(kind, source, text)
        product: Any = product_of_template(text)[1] if wants_product(kind, sections) else None
        return Code(kind, made, stem(source), of_template(text), product)
    suffix = str(entry.keys.get("ext_in") or posixpath.splitext(source)[1])
    suffix = suffix if suffix.startswith(".") else f".{suffix}"
    cell = cell_of(text, suffix)
    language = "r" if suffix in {".R", ".r", ".Rmd"} else "python"
    upstream = of_cell(cell, language) if sections.extract_upstream else ()
    product = product_of_cell(cell, language) if sections.extract_product else None
    return Code(kind, made, stem(source), upstream, product, asks_for=names_in(cell, language))


def check_template(kind: Kind, source: str, text: str) -> None:
    """A script that says nowhere what it makes would make something else."""
    if kind == "shell" and "product" not in text:
        raise CodeError(
            f"source {source} does not use {{{{product}}}}: it is where it has to write."
        )
    if kind == "sql-script" and "{{" not in text and "{%" not in text:
        raise CodeError(
            f"source {source} does not use {{{{product}}}}: CREATE TABLE {{{{product}}}} AS …"
        )


def wants_product(kind: Kind, sections: Sections) -> bool:
    if sections.extract_product and kind != "sql-script":
        raise CodeError(f"extract_product is on, and a {kind} task cannot say its product.")
    return sections.extract_product


def cell_of(text: str, suffix: str) -> ParametersCell | None:
    try:
        return parameters_cell(text, suffix)
    except ValueError as error:
        raise CodeError(f"{error}.") from None


def place_of(entry: Entry, source: str, sections: Sections, world: World) -> str:
    """The file's absolute path: below the file that names it, a loader's folder, or the root."""
    if posixpath.isabs(source) or entry.base:
        return posixpath.normpath(posixpath.join(entry.base, source))
    places = [posixpath.normpath(posixpath.join(one, source)) for one in sections.loader]
    return next(
        (one for one in places if world.exists(one)),
        places[0] if places else posixpath.normpath(posixpath.join(world.root, source)),
    )


def stem(source: str) -> str:
    return posixpath.splitext(posixpath.basename(source.rstrip("/")))[0]
