"""A task that is a Python function: called with product, upstream and its params."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from byoa.pipeline.order import Order, is_group
from byoa.pipeline.worker import TaskError, load, named
from byoa.plan.pipeline.model import Dotted, Task


def run(task: Task, order: Order) -> None:
    """Calls the function; with a serializer, what it returns is written by that."""
    function = task.source.object or named(task.source.dotted)
    values = arguments(task, order, function)
    if task.serializer is None:
        begins_when_called(function, task)
        function(**values)
        return
    values.pop("product", None)
    made = function(**values)
    if made is None:
        raise TaskError(
            f"{name_of(function)} of task {task.name!r} returned None; a task with a serializer has"
            " to return what is to be written."
        )
    writer(task.serializer)(made, order.product)


def begins_when_called(function: Callable[..., Any], task: Task) -> None:
    """A coroutine or a generator would be made, and nothing run."""
    later = inspect.iscoroutinefunction(function), inspect.isgeneratorfunction(function)
    if any(later):
        kind = "async" if later[0] else "a generator"
        raise TaskError(
            f"{name_of(function)} of task {task.name!r} is {kind}: a call of it runs nothing."
            " Write a plain function"
        )


def arguments(task: Task, order: Order, function: Callable[..., Any]) -> dict[str, Any]:
    """What a function is called with; upstream also when there is none but it is asked for."""
    values: dict[str, Any] = dict(task.params)
    if task.products or wants(function, "product"):  # product_class: EmptyProduct
        values["product"] = order.product
    if order.resources and "resources_" not in values:
        values["resources_"] = dict(order.resources)
    if order.upstream or wants(function, "upstream"):
        values["upstream"] = upstream(task, order)
    return values


def wants(function: Callable[..., Any], name: str) -> bool:
    """Whether a function cannot be called without a parameter of that name."""
    try:
        found = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):  # a builtin that does not tell
        return False
    return found is not None and found.default is found.empty


def upstream(task: Task, order: Order) -> Any:
    """The upstream's products, or what the unserializer reads from them."""
    given = order.given_upstream
    if task.unserializer is None:
        return given
    read = writer(task.unserializer)
    return {asked: unserialized(given[asked], read, asked, order) for asked in given}


def unserialized(value: Any, read: Callable[[Any], Any], asked: str, order: Order) -> Any:
    if isinstance(value, Mapping) and is_group(asked, order.upstream[asked]):
        return {name: read(one) for name, one in value.items()}
    return read(value)


def writer(dotted: Dotted) -> Callable[..., Any]:
    """A serializer or unserializer, with the arguments that pipeline.yaml gives it."""
    function = load(dotted)
    if not dotted.arguments:
        return function
    from functools import partial

    return partial(function, **dotted.arguments)


def name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
