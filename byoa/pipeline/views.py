"""A pipeline and its tasks as hooks and `interact` see them: `dag["fit"].product` …"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.pipeline import worker
from byoa.pipeline.order import Order, as_given, order_for
from byoa.pipeline.written import source_of
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.model import Pipeline, Task
from byoa.plan.pipeline.selection import hint


@dataclass(frozen=True)
class Needed:
    """A task that another one needs: `task.upstream["get"].product`."""

    name: str
    product: Any


class TaskView:
    """One task: its name, product, params, upstream, source, client."""

    def __init__(self, task: Task, order: Order) -> None:
        self._task, self._order = task, order

    @property
    def name(self) -> str:
        return self._task.name

    @property
    def product(self) -> Any:
        return self._order.product

    @property
    def upstream(self) -> dict[str, Needed]:
        """The tasks that it needs, by their names; its code gets their products alone."""
        return {
            name: Needed(name, as_given(places))
            for tasks in self._order.upstream.values()
            for name, places in tasks.items()
        }

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters, with product and upstream among them."""
        given = self._order.given_upstream
        upstream = {"upstream": given} if given else {}
        return {**self._task.params, **upstream, "product": self.product}

    @property
    def source(self) -> str:
        """The text of its function, script or statements."""
        return source_of(self._order.root, self._order.import_from, self._task.source)

    @property
    def client(self) -> Any:
        return worker.client(self._task, self._order)

    def load(self, key: str | None = None, **words: Any) -> Any:
        """What it made: through its unserializer, or a table out of .csv and .parquet."""
        made = self.product if key is None else self.product[key]
        if self._task.unserializer is not None:
            return worker.load(self._task.unserializer)(made, **words)
        readers = {".csv": "read_csv", ".parquet": "read_parquet"}
        if not isinstance(made, Path) or made.suffix not in readers:
            raise UsageError(f"{made}: only .csv and .parquet are loaded; open others yourself.")
        import pandas

        return getattr(pandas, readers[made.suffix])(made, **words)

    def __repr__(self) -> str:
        return f"Task({self.name!r} -> {self.product!r})"


class DagView(Mapping[str, TaskView]):
    """The tasks by their names, in an order in which they can run."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @property
    def name(self) -> str:
        return self.pipeline.name

    def __getitem__(self, name: str) -> TaskView:
        task = self.pipeline.tasks.get(name)
        if task is None:
            raise NotFoundError(f"No task is called {name}. {hint(self.pipeline, [name])}")
        return TaskView(task, order_for(self.pipeline, task, self.pipeline.root))

    def __iter__(self) -> Iterator[str]:
        return iter(self.pipeline.tasks)

    def __len__(self) -> int:
        return len(self.pipeline.tasks)

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}, {len(self)} tasks)"
