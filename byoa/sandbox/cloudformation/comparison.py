"""A resource as it is now beside what its template says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from byoa.sandbox.cloudformation.kinds import Aws, Props, kind_of
from byoa.sandbox.cloudformation.stack import Resource


def live(aws: Aws, resource: Resource) -> tuple[bool, Props | None]:
    """Whether its type can be compared, and how it is now."""
    kind = kind_of(resource.type)
    if kind is None or kind.live is None:
        return False, None
    return True, kind.live(aws, resource.identity, resource.properties)


def as_it_is(aws: Aws, resource: Resource) -> Resource | None:
    """The resource with its live properties where they differ; None when it is gone."""
    known, found = live(aws, resource)
    if not known:
        return resource
    if found is None:
        return None
    if not list(differences(resource.properties, found)):
        return resource
    return replace(resource, properties={**resource.properties, **found})


def existing(aws: Aws, resource: Resource) -> str:
    """The identity of what bears the resource's own name already; "" when nothing does."""
    kind = kind_of(resource.type)
    if kind is None or kind.live is None or not resource.properties.get(kind.name):
        return ""
    identity = kind.identity(aws, str(resource.properties[kind.name]))
    return "" if kind.live(aws, identity, resource.properties) is None else identity


def differences(expected: Props, actual: Props) -> Iterator[dict[str, str]]:
    """What the template sets and is otherwise. What it does not set may be as it likes, but for
    lists, where something more is something else."""
    for name, value in expected.items():
        if name in actual:
            yield from unequal(f"/{name}", ordered(value), ordered(actual[name]))
    for name in actual.keys() - expected.keys():
        if isinstance(actual[name], list) and actual[name]:
            yield entry("ADD", f"/{name}", None, actual[name])


def unequal(path: str, expected: Any, actual: Any) -> Iterator[dict[str, str]]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in sorted({*expected, *actual}):
            if key not in actual:
                yield entry("REMOVE", f"{path}/{key}", expected[key], None)
            elif key not in expected:
                yield entry("ADD", f"{path}/{key}", None, actual[key])
            else:
                yield from unequal(f"{path}/{key}", expected[key], actual[key])
    elif expected != actual:
        yield entry("NOT_EQUAL", path, expected, actual)


def ordered(value: Any) -> Any:
    """Lists of named things in one order; documents as objects, whichever way they were written."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, list):
        return sorted(
            (ordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True)
        )
    if isinstance(value, Mapping):
        return {key: ordered(item) for key, item in value.items()}
    return value


def entry(kind: str, path: str, expected: Any, actual: Any) -> dict[str, str]:
    return {
        "PropertyPath": path,
        "ExpectedValue": text(expected),
        "ActualValue": text(actual),
        "DifferenceType": kind,
    }


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
