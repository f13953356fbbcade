"""A task's products as pipeline.yaml writes them: a path, several by key, [schema, name, kind]."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from byoa.plan.pipeline.kinds import RELATIONS
from byoa.plan.pipeline.model import SINGLE, Dotted, Product
from byoa.plan.pipeline.names import rendered
from byoa.plan.pipeline.upstream import CodeError

RELATION_KINDS = ("table", "view")
#: One product's text, or a table's name, that a grid fills in.
Template = str | list[str | None]


def templates(value: Any) -> dict[str, Template]:
    """{key: text or table}; {"": …} for a single product."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        if not value:
            raise CodeError("product is {}. Write KEY: PATH.")
        return {str(key): template(inner) for key, inner in value.items()}
    return {SINGLE: template(value)}


def template(value: Any) -> Template:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, (list, tuple)):
        names = [None if one is None else str(one) for one in value]
        if len(names) in {2, 3} and names[-2] and names[-1]:
            return names
        raise CodeError(f"product is {value!r}. Write [NAME, table] or [SCHEMA, NAME, view].")
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    raise CodeError(f"product is {value!r}. Write a path.")


def of_points(
    made: Mapping[str, Template],
    points: Sequence[Mapping[str, Any]],
    keys: Sequence[Sequence[str]],
) -> list[dict[str, Template]]:
    """The products of every point of a grid, no two the same."""
    found: list[dict[str, Template]] = [{} for _ in points]
    for key, one in made.items():
        if isinstance(one, str):
            for products, text in zip(found, rendered(one, points, keys, True), strict=True):
                products[key] = text
        else:
            names = rendered(one[-2] or "", points, keys, False)
            for products, text in zip(found, names, strict=True):
                products[key] = [*one[:-2], text, one[-1]]
    return found


def product(
    one: Template, product_class: str, base: str, root: str, client: Dotted | None
) -> Product:
    """The product that a filled-in text or table means; CodeError when it cannot be."""
    if product_class not in RELATIONS:
        if not isinstance(one, str):
            raise CodeError(f"product is {one!r}, a table, and its class is {product_class}.")
        return Product(path=inside(one, base, root), client=client)
    if product_class == "GenericProduct":
        name = one if isinstance(one, str) else ".".join(part for part in one if part)
        return Product(relation=("", name, "generic"), client=client)
    if isinstance(one, str):
        raise CodeError(
            f"product is {one!r}, and its class is {product_class}. Write [NAME, table],"
            " or product_class: File."
        )
    kind = str(one[-1]).lower()
    if kind not in RELATION_KINDS:
        raise CodeError(f"product is {one!r}: {one[-1]!r} is neither table nor view.")
    schema = (one[0] or "") if len(one) == 3 else ""
    return Product(relation=(schema, str(one[-2]), kind), client=client)


def inside(path: str, base: str, root: str) -> str:
    """A path relative to the root, where it is below it; absolute elsewhere."""
    if "\0" in path:
        raise CodeError(f"product is {path!r}, no path.")
    whole = posixpath.normpath(posixpath.join(base, path))
    if whole == root:
        raise CodeError(f"product is {path!r}, the pipeline's own folder.")
    found = relative(whole, root)
    if found.partition("/")[0] in {".byoa", ".git"}:
        raise CodeError(f"product is {path!r}, in a folder where byoa or git keep their own.")
    return found


def relative(whole: str, root: str) -> str:
    below = root if root.endswith("/") else f"{root}/"
    return whole[len(below) :] if whole.startswith(below) else whole
