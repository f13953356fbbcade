"""Holds a request against AWS's own limits (shapes.json) before anything is sent, in sentences."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from byoa.plan.tables import table
from byoa.plan.workflow.expressions import at_run_time

#: A rule reads a finished request and says what in it contradicts itself.
Rule = Callable[[dict[str, Any]], Iterable[str]]
TYPES: dict[str, tuple[str, Any]] = {
    "string": ("text", (str,)),
    "integer": ("a whole number", (int,)),
    "long": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "double": ("a number", (int, float)),
    "timestamp": ("a time", (str, int, float)),
    "blob": ("text", (str, bytes)),
    "boolean": ("true or false", (bool,)),
    "list": ("a list", (list, tuple)),
    "map": ("an object of names and values", (dict,)),
    "structure": ("an object of fields", (dict,)),
}


def problems_of(operation: str, request: Mapping[str, Any]) -> list[str]:
    """One sentence for everything in the request that AWS's service model forbids."""
    service, _, name = operation.partition(".")
    known = table("shapes.json")[service]
    return list(_walk(request, known["operations"][name], known["shapes"], ""))


def _walk(value: Any, name: str, shapes: Mapping[str, Any], path: str) -> Iterator[str]:
    if at_run_time(value):
        return  # a workflow's run says it, and AWS judges it then
    shape = shapes[name]
    kind = shape["type"]
    word, types = TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path} is {_shown(value)}, but AWS takes {word} there - write one"
        return
    yield from _size(value, shape, path)
    if kind == "structure":
        yield from _members(value, shape, shapes, path)
    elif kind == "list":
        names = [item.get(shape.get("once")) for item in value if isinstance(item, dict)]
        for again in sorted({str(one) for one in names if one and names.count(one) > 1}):
            yield f"{path} has the {shape['once']} {again} twice - name each one once"
        for place, item in enumerate(value):
            yield from _walk(item, shape["of"], shapes, f"{path}[{place}]")
    elif kind == "map":
        for key, item in value.items():
            yield from _walk(key, shape["key"], shapes, f"the name in {path}")
            yield from _walk(item, shape["of"], shapes, f"{path}.{str(key)[:60]}")
    elif kind == "string":
        yield from _text(value, name, shape, path)


def _members(
    value: Mapping[str, Any], shape: Mapping[str, Any], shapes: Mapping[str, Any], path: str
) -> Iterator[str]:
    members = shape.get("members", {})
    for key in shape.get("required", ()):
        if key not in value:
            yield f"{_below(path, key)} is missing, and AWS takes no request without it - give one"
    if (one := shape.get("one")) and sum(key in value for key in one) != 1:
        yield f"{path or 'the request'} needs {' or '.join(one)} - give one of them"
    for one, other in shape.get("apart", ()):
        if one in value and other in value:
            yield f"{path or 'the request'} has {one} and {other}, but AWS takes one - drop one"
    for key, item in value.items():
        if key in members:
            yield from _walk(item, members[key], shapes, _below(path, key))
        elif near := difflib.get_close_matches(str(key), members, n=1, cutoff=0.75):
            # What resembles nothing may be newer than the table: boto3 knows, and says so itself.
            yield f"AWS has no field {_below(path, key)} - did you mean {near[0]}?"


def _size(value: Any, shape: Mapping[str, Any], path: str) -> Iterator[str]:
    low, high = shape.get("min"), shape.get("max")
    counted = isinstance(value, int | float)
    size = value if counted else len(value)
    unit = "" if counted else " characters" if isinstance(value, str) else " entries"
    if isinstance(value, str) and value.startswith(("process://", "file:///")):
        return  # stands for an image or an address on this machine, which AWS never sees
    if low is not None and size < low:
        yield f"{path} is {_shown(value)}, but AWS takes at least {low:,}{unit} - give more"
    if high is not None and size > high:
        has = _shown(value) if counted else f"{size:,}{unit} long"
        yield f"{path} is {has}, but AWS takes at most {high:,}{unit} - give less"


def _text(value: str, name: str, shape: Mapping[str, Any], path: str) -> Iterator[str]:
    known = shape.get("enum")
    if known and value not in known and not (name.endswith("InstanceType") and _newer(value)):
        family = value.rpartition(".")[0]
        same = [one for one in known if family and one.rpartition(".")[0] == family]
        near = same or difflib.get_close_matches(value, known, n=3, cutoff=0.5)
        yield f"{path} is {_shown(value)}, which AWS does not take - try {', '.join(near or known)}"
    pattern = shape.get("pattern")
    short = len(value) <= shape.get("max", len(value))
    local = value.startswith(("process://", "file:///"))
    if pattern and short and not local and not re.fullmatch(pattern, value):
        words = shape.get("words", pattern)
        yield f"{path} is {_shown(value)}, but it must be {words} - write it so"


def _newer(instance_type: str) -> bool:
    """Tells a family that no list of the table has: AWS may have it since."""
    shapes = table("shapes.json")["sagemaker"]["shapes"]
    known = [
        one for name in shapes if name.endswith("InstanceType") for one in shapes[name]["enum"]
    ]
    family = instance_type.rpartition(".")[0]
    families = {one.rpartition(".")[0] for one in known}
    return bool(re.fullmatch(r"ml\.[a-z0-9-]+\.\w+", instance_type)) and family not in families


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else str(key)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
