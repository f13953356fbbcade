"""Parameters as the definition has them: each value of the run in the way of its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import JSONATA, JSONPATH, RunTime, at_run_time
from byoa.plan.workflow.writing import put_in, written


def resolve(parameters: Mapping[str, Any], query_language: str = JSONPATH) -> dict[str, Any]:
    """The same object with `Key.$` paths (JSONPath) or `{% … %}` texts (JSONata), as plain JSON."""
    made: dict[str, Any] = {}
    for key, value in parameters.items():
        made |= field(str(key), value, query_language)
    return made


def field(key: str, value: Any, query_language: str) -> dict[str, Any]:
    """One key and its value as they are written."""
    if at_run_time(key):
        raise UsageError(
            f"{written(key, query_language)} is a key, which must be known before the workflow runs"
            " - take it as a value"
        )
    if query_language == JSONATA or not needs_expression(value):
        return {key: resolved(value, query_language)}
    if key.endswith(".$"):
        own = isinstance(value, str) and not isinstance(value, RunTime)
        return {key: put_in(value, JSONPATH) if own else written(value)}
    return {f"{key}.$": written(value)}


def needs_expression(value: Any) -> bool:
    """Whether a value can only be written under a `Key.$`."""
    if isinstance(value, list | tuple):
        return any(needs_expression(item) for item in value)
    return at_run_time(value)


def resolved(value: Any, query_language: str) -> Any:
    """A value without a key of its own."""
    if at_run_time(value):
        if query_language == JSONATA:
            return f"{{% {written(value, JSONATA)} %}}"
        raise UsageError(
            f"{written(value)} stands where JSONPath reads no path - put it under a key of an "
            "object, or give the state query_language='JSONata'"
        )
    if isinstance(value, Mapping):
        return resolve(value, query_language)
    if isinstance(value, list | tuple):
        return [resolved(item, query_language) for item in value]
    return value


def path_of(value: Any) -> str:
    """A value where JSONPath reads a path, and no function."""
    path = written(value)
    if not path.startswith("$"):
        raise UsageError(
            f"{path} stands where JSONPath reads a path only - make the value in a Pass state "
            "before, or give the state query_language='JSONata'"
        )
    return path
