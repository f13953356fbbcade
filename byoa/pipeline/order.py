"""What a task is handed: where its upstream's things are, and where its own are to go.

What user code gets as `product` and `upstream` follows Ploomber's objects: a path-like file, a
relation that prints as its name, several products by key, `upstream["x"]` and `upstream.first`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PosixPath
from typing import Any, TypeAlias

from byoa.pipeline.commit import BESIDE, staged_path
from byoa.plan.pipeline.decide import GIVEN
from byoa.plan.pipeline.model import SINGLE, Dotted, Pipeline, Product, Task


class UpstreamKeyError(KeyError):
    """Asked for a product or an upstream that there is none of; its text is a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


class File(PosixPath):
    """A product that is a file or a folder: a path, wherever one is taken."""

    def delete(self) -> None:
        """Removes it, if it is there."""
        import shutil

        shutil.rmtree(self) if self.is_dir() and not self.is_symlink() else self.unlink(True)


class Relation(str):
    """A product that is a table or a view: the text `schema.name`, and its parts."""

    schema: str
    name: str
    kind: str

    def __new__(cls, schema: str, name: str, kind: str = "table") -> Relation:
        made = super().__new__(cls, f"{schema}.{name}" if schema else name)
        made.schema, made.name, made.kind = schema, name, kind
        return made

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]
        return self.schema, self.name, self.kind


Place: TypeAlias = File | Relation
#: product key → where it is
Places: TypeAlias = Mapping[str, Place]


class Products:
    """Several products by key; a loop goes over the products, as Ploomber's MetaProduct does."""

    def __init__(self, places: Places) -> None:
        self._places = dict(places)

    def __getitem__(self, key: Any) -> Place:
        try:
            return self._places[str(key)]
        except KeyError:
            known = ", ".join(map(repr, self._places))
            raise UpstreamKeyError(f"There is no product {key!r}. There are: {known}") from None

    def get(self, key: Any, default: Any = None) -> Any:
        return self._places.get(str(key), default)

    def keys(self) -> Any:
        return self._places.keys()

    def values(self) -> Any:
        return self._places.values()

    def items(self) -> Any:
        return self._places.items()

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"Products({ {key: str(place) for key, place in self._places.items()} })"


class Upstream(Mapping[str, Any]):
    """What was asked for, by the words that asked; several tasks' (`fit-*`) are a dict by task."""

    def __init__(self, found: Mapping[str, Any], task: str) -> None:
        self._found, self._task = dict(found), task

    def __getitem__(self, name: str) -> Any:
        try:
            return self._found[name]
        except KeyError:
            known = ", ".join(map(repr, self._found)) or "nothing"
            raise UpstreamKeyError(
                f"Task {self._task!r} has no upstream {name!r}; it has {known}. A task is found"
                ' where it is written out: upstream["name"]'
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"Upstream({plain(self._found)})"

    @property
    def first(self) -> Any:
        """The only one that there is."""
        if len(self._found) != 1:
            raise UpstreamKeyError(
                f"upstream.first is for one upstream; task {self._task!r} has {len(self._found)}"
            )
        return next(iter(self._found.values()))


@dataclass(kw_only=True)
class Order:
    """One attempt of a task: paths are absolute, products lie in a tree of the attempt's own.

    The tree `work` mirrors the root: after the task has ended well, whatever lies in it is renamed
    to the same place below the root. `metrics` is filled by the task's kind and goes to the record.
    """

    task: str
    root: str
    work: str
    products: Places  #: where to write; `final` says where they will be
    final: Places
    upstream: Mapping[str, Mapping[str, Places]]  #: as asked → task → key → place
    resources: Mapping[str, str] = field(default_factory=dict)
    import_from: tuple[str, ...] = ()
    clients: Mapping[str, Dotted] = field(default_factory=dict)  #: the pipeline's, by class name
    templates: tuple[str, ...] = ()  #: folders for SQL's macros, absolute
    env: Mapping[str, Any] = field(default_factory=dict)
    home: str = ""  #: <root>/.byoa/pipeline/<name>: records/ and runs/ are in it
    run: str = ""
    attempt: int = 1
    log: str = ""
    force: bool = False
    devices: str | None = None  #: CUDA_VISIBLE_DEVICES, where the task asked for GPUs
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def product(self) -> Place | Products:
        """What user code gets as `product`."""
        return as_given(self.products)

    @property
    def given_upstream(self) -> Upstream:
        """What user code gets as `upstream`."""
        found = {
            asked: {name: as_given(places) for name, places in tasks.items()}
            if is_group(asked, tasks)
            else as_given(next(iter(tasks.values())))
            for asked, tasks in self.upstream.items()
        }
        return Upstream(found, self.task)

    def plain(self) -> dict[str, Any]:
        """`product` and `upstream` as JSON has them: texts, and objects of texts; null for none."""
        return {
            "upstream": plain(dict(self.given_upstream)) or None,
            "product": plain(self.product),
        }

    def where_final(self, path: str | os.PathLike[str]) -> str:
        """The place that something in the attempt's tree will have after it."""
        inside = os.path.relpath(path, self.work)
        if Path(inside).parts[0] == os.pardir:
            kept = [part for part in Path(path).parts if not part.startswith(BESIDE)]
            return str(Path(*kept))
        return os.path.normpath(f"{self.root}/{inside}")


def is_group(asked: str, tasks: Mapping[str, Any]) -> bool:
    return any(letter in asked for letter in "*?[") or len(tasks) != 1


def as_given(places: Places) -> Place | Products:
    return places[SINGLE] if set(places) == {SINGLE} else Products(places)


def plain(value: Any) -> Any:
    """Products as texts, however they are nested."""
    if isinstance(value, Mapping | Products):
        return {key: plain(inner) for key, inner in value.items()}
    return str(value)


def place_of(product: Product, root: str) -> Place:
    """Where a product is when it is done."""
    if product.relation is not None:
        return Relation(*product.relation)
    return File(root, product.path)


def staged(product: Product, work: str) -> Place:
    """Where a task is to write a product: the same place in its own tree; tables are themselves."""
    if product.relation is not None:
        return Relation(*product.relation)
    return File(staged_path(product, Path(work)))


def order_for(pipeline: Pipeline, task: Task, work: str, **more: Any) -> Order:
    """The order of one attempt; `work` is its own folder, or the root to write in place."""
    root = pipeline.root
    upstream = {
        asked: {
            name: {
                key: place_of(product, root)
                for key, product in pipeline.tasks[name].products.items()
            }
            for name in names
        }
        for asked, names in task.upstream.items()
    }
    in_place = work == root or task.kind in GIVEN
    return Order(
        task=task.name,
        root=root,
        work=work,
        products={
            key: place_of(product, root) if in_place else staged(product, work)
            for key, product in task.products.items()
        },
        final={key: place_of(product, root) for key, product in task.products.items()},
        upstream=upstream,
        resources={key: str(File(root, path)) for key, path in task.resources.items()},
        import_from=pipeline.import_from,
        clients=pipeline.clients,
        templates=tuple(str(File(root, folder)) for folder in pipeline.templates),
        env=pipeline.env,
        **more,
    )
