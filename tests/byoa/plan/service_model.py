"""Holds a request against botocore's own model: its validator, and what that one leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import botocore.validate

from tests.byoa.plan.shapes_from_botocore import as_python

SESSION = botocore.session.Session()


@cache
def model(service: str) -> Any:
    return SESSION.get_service_model(service)


def problems(service: str, operation: str, request: dict[str, Any]) -> list[str]:
    """What AWS would refuse: botocore's report, then patterns, enums and sizes by our own walk."""
    shape = model(service).operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(request, shape)
    return [*([report.generate_report()] if report.has_errors() else []), *walk(request, shape, "")]


def accepted(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request as it is, when AWS's model takes it."""
    found = problems(service, operation, request)
    assert found == [], f"{operation}: {found}\n{request}"
    return request


def walk(value: Any, shape: Any, path: str) -> Iterator[str]:
    rules = shape.metadata
    if shape.type_name == "structure":
        for name, item in value.items():
            if name in shape.members:
                yield from walk(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        yield from size(len(value), rules, path)
        for item in value:
            yield from walk(item, shape.member, f"{path}[]")
    elif shape.type_name == "map":
        yield from size(len(value), rules, path)
        for name, item in value.items():
            yield from walk(name, shape.key, f"{path} key")
            yield from walk(item, shape.value, f"{path}.{name}")
    elif shape.type_name == "string" and isinstance(value, str):
        yield from size(len(value), rules, path)
        if rules.get("enum") and value not in rules["enum"]:
            yield f"{path}: {value!r} is none of the enum"
        if rules.get("pattern") and not re.fullmatch(as_python(rules["pattern"]), value):
            yield f"{path}: {value!r} is not like {rules['pattern']}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from size(value, rules, path)


def size(number: float, rules: dict[str, Any], path: str) -> Iterator[str]:
    if not rules.get("min", number) <= number <= rules.get("max", number):
        yield f"{path}: {number} is not in {rules.get('min')} to {rules.get('max')}"
