"""Data tasks run by themselves: an order, the task's kind, what it made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.pipeline.order import Order, order_for
from byoa.pipeline.worker import execute
from byoa.plan.pipeline.model import SINGLE, Dotted, Kind, Pipeline, Product, Source, Task


def product(made: Any) -> Product:
    """A path, or [schema, name, kind], [name, kind]."""
    if isinstance(made, str):
        return Product(path=made)
    *schema, name, kind = made
    return Product(relation=(schema[0] if schema else "", name, kind))


def task(kind: Kind, text: str, made: Any, name: str = "it", **more: Any) -> Task:
    products = made if isinstance(made, Mapping) else {SINGLE: made}
    return Task(
        name=name,
        kind=kind,
        source=Source(text=text, **more.pop("source", {})),
        products={key: product(one) for key, one in products.items()},
        **more,
    )


def run(
    root: Path,
    one: Task,
    *others: Task,
    clients: Mapping[str, Any] = {},
    templates: tuple[str, ...] = (),
) -> Order:
    """Runs a task in a staging tree of its own; the order tells where its products are."""
    pipeline = Pipeline(
        name="pipeline",
        root=str(root),
        tasks={each.name: each for each in (*others, one)},
        clients={name: Dotted("", object=make) for name, make in clients.items()},
        templates=templates,
    )
    order = order_for(pipeline, one, str(root / "work"))
    for place in order.products.values():
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
    execute(one, order)
    return order


def path_of(order: Order) -> Path:
    """The task's only product, a file or a folder."""
    assert isinstance(order.product, Path)
    return order.product
