"""Numbers out of a notebook: a code cell's tag is a metric's name, its last output the value.

The convention is that of sklearn-evaluation's NotebookCollection, which Ploomber's users know.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Tags that mean something else.
TAKEN = re.compile(
    r"parameters|injected-parameters|debugging-settings|raises-exception|imports|report"
    r"|(skip|hide|remove|keep|active|full|scroll|nb|jp|imports)[-_].*"
)
#: numpy 2 and torch show their numbers as np.float64(0.9) and tensor(0.9).
WRAPPED = re.compile(
    r"(?:np|numpy|torch)?\.?(?:u?int|float|bool|tensor)\w*\(([^()]*?)(?:, dtype=[\w.]+)?\)"
)
NOTHING: Mapping[str, Any] = {}


def of(notebook: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a notebook that was run; a later cell wins over an earlier one's name."""
    found: dict[str, float] = {}
    for cell in notebook.get("cells", ()):
        tags = [tag for tag in cell.get("metadata", NOTHING).get("tags", ()) if is_name(tag)]
        if cell.get("cell_type") == "code" and tags:
            value = value_of(cell.get("outputs", ()))
            for tag in tags:
                found.update(numbers(tag, value))
    return found


def is_name(tag: object) -> bool:
    return isinstance(tag, str) and not TAKEN.fullmatch(tag)


def value_of(outputs: Iterable[Mapping[str, Any]]) -> Any:
    """What the last output says, if it is a Python literal; None when there is no such."""
    for output in reversed(list(outputs)):
        text = text_of(output)
        if text is not None:
            return literal(text)
    return None


def text_of(output: Mapping[str, Any]) -> str | None:
    if output.get("output_type") == "stream":
        lines = joined(output.get("text", "")).strip().split("\n")
        return lines[-1] if output.get("name") == "stdout" else None
    data = output.get("data")
    return (
        joined(data["text/plain"]) if isinstance(data, Mapping) and "text/plain" in data else None
    )


def joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def literal(text: str) -> Any:
    if len(text) > 10_000:
        return None
    bare = WRAPPED.sub(r"\1", text.strip())
    try:
        return ast.literal_eval(bare)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        pass
    try:
        return float(bare.removesuffix("%")) / (100 if bare.endswith("%") else 1)
    except ValueError:
        return None


def numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """The number, or each of a flat mapping's as `name.key`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(inner, Mapping):
                yield from numbers(f"{name}.{key}", inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            return
        if math.isfinite(number):
            yield name, number
