"""Payload templates of JSONPath: objects in which `Key.$` holds a path or a function's call.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-inputpath-params.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking.paths import path_problem

LATER = ".$"


def problems(where: str, value: Any) -> Iterator[str]:
    """What is wrong with the paths and functions at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{where}.{key}"
            if not (isinstance(key, str) and key.endswith(LATER)):
                yield from problems(here, item)
                continue
            if key[: -len(LATER)] in value:
                yield f"{where} has {key[: -len(LATER)]} and {key} - drop one"
            if not isinstance(item, str):
                yield f"{here} is {str(item)[:60]!r}, but it must be a path - write such as $.name"
            elif why := path_problem(item, intrinsics=True):
                yield f"{here} is {item[:80]!r}: {why}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from problems(f"{where}[{place}]", item)


def expressions(value: Any) -> Iterator[str]:
    """Every path and call in a template."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and key.endswith(LATER) and isinstance(item, str):
                yield item
            else:
                yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)
