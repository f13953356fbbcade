"""DAGSpec by Ploomber's name: pipeline.yaml made into a DAG that code may change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from byoa.pipeline.order import as_given, place_of
from byoa.pipeline.ploomber.dag import DAG
from byoa.plan.pipeline.dotted import dotted
from byoa.plan.pipeline.kinds import HOOKS
from byoa.plan.pipeline.model import Pipeline as Model
from byoa.plan.pipeline.model import Task as ModelTask
from byoa.plan.pipeline.problems import Problems


class DAGSpec:
    """pipeline.yaml, to be made into a DAG."""

    def __init__(self, data: Any, env: Any = None, **_: Any) -> None:
        self.data, self.env = data, env or {}

    @classmethod
    def find(cls, env: Any = None, name: str | None = None, **_: Any) -> DAGSpec:
        return cls(name, env)

    @classmethod
    def from_directory(cls, path_to_dir: str | os.PathLike[str]) -> DAGSpec:
        return cls(path_to_dir)

    @classmethod
    def from_files(cls, files: Any) -> DAGSpec:
        if isinstance(files, str):
            return cls(files)
        meta = {"extract_product": True}
        return cls({"meta": meta, "tasks": [{"source": os.fspath(one)} for one in files]})

    def to_dag(self) -> LoadedDAG:
        return LoadedDAG(self)

    def model(self) -> Model:
        from byoa.pipeline.entry import Beginning
        from byoa.pipeline.load import Around, from_data, load

        if not isinstance(self.data, (Mapping, list)):
            return load(self.data, env=self.env)
        root = Path.cwd().resolve()
        start = Beginning("factory", factory="pipeline", root=root)
        return from_data(self.data, start, {}, Around(), self.env or {})


class LoadedTask:
    """A task read from pipeline.yaml: its product and parameters; hooks can be set on it."""

    def __init__(self, task: ModelTask, root: str) -> None:
        self.task, self.name, self.params = task, task.name, task.params
        places = {key: place_of(one, root) for key, one in task.products.items()}
        self.product = as_given(places)
        self.on_render = self.on_finish = self.on_failure = None

    def __str__(self) -> str:
        return str(self.product)

    def model(self) -> ModelTask:
        said = {hook: dotted(getattr(self, hook), hook) for hook in HOOKS}
        hooks = {hook: one for hook, one in said.items() if one is not None}
        return replace(self.task, hooks={**self.task.hooks, **hooks}) if hooks else self.task


class LoadedDAG(DAG):
    """A DAG read from pipeline.yaml: tasks may be taken out of it, and given hooks."""

    def __init__(self, spec: DAGSpec) -> None:
        super().__init__()
        self.loaded = spec.model()
        loaded = {
            name: LoadedTask(one, self.loaded.root) for name, one in self.loaded.tasks.items()
        }
        self.tasks = loaded

    def model(self) -> Model:
        tasks = {name: task.model() for name, task in self.tasks.items()}
        problems = Problems(self.loaded.name)
        for name, task in tasks.items():
            for gone in [one for one in task.needs if one not in tasks]:
                problems.add(f"it needs {gone}, which was taken out of the DAG.", task=name)
        problems.end()
        said = {hook: dotted(getattr(self, hook), hook) for hook in HOOKS}
        hooks = {hook: one for hook, one in said.items() if one is not None}
        return replace(self.loaded, tasks=tasks, hooks={**self.loaded.hooks, **hooks})
