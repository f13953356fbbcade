"""Pipelines written in Python: pipeline.yaml's words, with functions and objects as values.

pipeline = Pipeline()
raw = pipeline.task(get, "raw.csv")
pipeline.task(fit, "model-[[depth]].pkl", name="fit", upstream=raw, grid={"depth": [2, 4]})
pipeline.build(jobs=2)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.pipeline.entry import Beginning
from byoa.pipeline.load import Around, from_data
from byoa.plan.errors import UsageError
from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.connect import AllOf
from byoa.plan.pipeline.model import Decision
from byoa.plan.pipeline.model import Pipeline as Model
from byoa.plan.pipeline.names import family_of
from byoa.plan.pipeline.problems import meant
from byoa.plan.pipeline.selection import Selection

if TYPE_CHECKING:
    from byoa.pipeline.outcome import Result

Source = str | os.PathLike[str] | Callable[..., Any]


class DAGBuildEarlyStop(Exception):  # noqa: N818 - Ploomber's name
    """Raised by a task or hook: what has begun ends, nothing else begins, and it is no failure."""


class Constant:
    """A function of no arguments that returns this: how an object stands where a name may."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


#: Keys whose None is not the same as nothing: one file of a dump, no serializer.
NONE_SAYS = {"chunksize", "serializer", "unserializer"}


class Task:
    """One item of `tasks`: a source, a product, and any other key of pipeline.yaml."""

    def __init__(
        self,
        source: Source | None = None,
        product: Any = None,
        *,
        name: str | None = None,
        upstream: Task | str | Iterable[Task | str] = (),
        **keys: Any,
    ) -> None:
        self.source = source if source is None or callable(source) else os.fspath(source)
        self.keys = {"product": product, "name": name, **keys}
        given = [upstream] if isinstance(upstream, (str, Task)) else upstream
        self.upstream: list[Task | str] = list(given)

    @property
    def name(self) -> str:
        """As it is given, or as its source is called; of a grid, the name before its values."""
        said = self.keys["name"]
        if said is not None:
            return str(said)
        if callable(self.source):
            return str(getattr(self.source, "__name__", ""))
        return Path(self.source).stem if self.source else ""

    def after(self, *others: Task | str) -> Task:
        """The same task, with these before it."""
        self.upstream += others
        return self

    def __rshift__(self, other: Task) -> Task:
        return other.after(self)

    def as_entry(self) -> dict[str, Any]:
        """What pipeline.yaml would say."""
        entry = {
            key: value for key, value in self.keys.items() if value is not None or key in NONE_SAYS
        }
        if self.source is not None:
            entry["source"] = self.source
        names = [other if isinstance(other, str) else word_for(other) for other in self.upstream]
        if names:
            entry["upstream"] = list(dict.fromkeys(names))
        for key in ("client", "product_client"):
            if key in entry:
                entry[key] = as_named(entry[key])
        return entry


def word_for(task: Task) -> str:
    """How another task's upstream says it: a grid is all of its points."""
    if "grid" not in task.keys and "for_each" not in task.keys:
        return task.name
    return AllOf(f"{family_of(task.name, task.name)}*")


def as_named(value: Any) -> Any:
    """An object as a function that returns it; names and functions as they are."""
    if isinstance(value, (str, Mapping, type(None))) or callable(value):
        return value
    return Constant(value)


class Pipeline:
    """Tasks, and what holds for all of them: pipeline.yaml's top-level keys by the same names."""

    def __init__(
        self,
        tasks: Iterable[Task] = (),
        *,
        root: str | os.PathLike[str] = ".",
        name: str = "pipeline",
        env: Mapping[str, Any] | None = None,
        **top: Any,
    ) -> None:
        known = kinds.TOP - {"tasks", "location"}
        for key in top.keys() - known:
            raise UsageError(f"Pipeline takes no {key!r}. {meant(key, known)}")
        self.tasks = list(tasks)
        self.root = Path(root).resolve()
        self.name, self.env, self.top = name, env, top

    def task(self, source: Source | None = None, product: Any = None, **keys: Any) -> Task:
        """A new task of this pipeline."""
        made = Task(source, product, **keys)
        self.tasks.append(made)
        return made

    def add(self, *tasks: Task) -> None:
        self.tasks += tasks

    def model(self) -> Model:
        """What plan and build work with; PipelineError tells all that is wrong at once."""
        data: dict[str, Any] = {**self.top, "tasks": [task.as_entry() for task in self.tasks]}
        if self.top.get("clients"):
            data["clients"] = {key: as_named(one) for key, one in self.top["clients"].items()}
        start = Beginning("factory", factory=self.name, root=self.root)
        return from_data(data, start, {}, Around(cwd=self.root), self.env or {})

    def plan(self, selection: Selection | None = None) -> dict[str, Decision]:
        """What would run, and why."""
        from byoa.pipeline.state import State

        return dict(State(self.model()).plan(selection or Selection()))

    def build(
        self,
        selection: Selection | None = None,
        *,
        jobs: int | None = None,
        fail_fast: bool = False,
        quiet: bool = False,
    ) -> Result:
        """Runs what has to be run; what failed is in the result."""
        from byoa.pipeline.build import Options, build
        from byoa.pipeline.show import asked_for

        model, selection = self.model(), selection or Selection()
        show = asked_for(model, selection, quiet=quiet)
        options = Options(jobs=jobs, fail_fast=fail_fast)
        try:
            return build(model, selection, options, watcher=show)
        finally:
            show.close()
