"""DAG and DAGSpec by Ploomber's names: enough that factories and scripts work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from byoa.pipeline import api
from byoa.pipeline.ploomber.exceptions import DAGBuildError
from byoa.pipeline.ploomber.tasks import Task
from byoa.plan.errors import UsageError
from byoa.plan.pipeline.kinds import HOOKS
from byoa.plan.pipeline.model import Pipeline as Model
from byoa.plan.pipeline.selection import Selection

UNSAFE = re.compile(r"[^\w.-]+")
#: Set on a DAG, handed to the pipeline.
TOP = ("serializer", "unserializer", *HOOKS)


class DAG:
    """Tasks by name, in the folder that it was made in."""

    def __init__(
        self, name: str | None = None, clients: Any = None, executor: Any = "parallel"
    ) -> None:
        self.name = name or "pipeline"
        self.clients: dict[Any, Any] = dict(clients or {})
        self.executor = executor
        self.tasks: dict[str, Any] = {}  #: Task, or LoadedTask
        self.root = Path.cwd()
        self.serializer = self.unserializer = None
        self.on_render = self.on_finish = self.on_failure = None

    def add(self, task: Task) -> None:
        if not task.name:
            raise UsageError(f"A {type(task).__name__} needs a name.")
        if task.name in self.tasks:
            raise UsageError(f"The DAG has a task {task.name!r} already. Give another name.")
        self.tasks[task.name] = task

    def __getitem__(self, name: str) -> Any:
        return self.tasks[name]

    def get(self, name: str) -> Any:
        return self.tasks.get(name)

    def pop(self, name: str) -> Any:
        return self.tasks.pop(name)

    def __delitem__(self, name: str) -> None:
        del self.tasks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __contains__(self, name: object) -> bool:
        return name in self.tasks

    def keys(self) -> Any:
        return self.tasks.keys()

    def values(self) -> Any:
        return self.tasks.values()

    def items(self) -> Any:
        return self.tasks.items()

    def model(self) -> Model:
        """What plan and build work with."""
        top = {key: said for key in TOP if (said := getattr(self, key)) is not None}
        clients = {getattr(key, "__name__", key): one for key, one in self.clients.items()}
        return api.Pipeline(
            self.tasks.values(),
            root=self.root,
            name=UNSAFE.sub("-", self.name).strip("-.") or "pipeline",
            executor=self.executor,
            meta={"extract_upstream": False},
            **({"clients": clients} if clients else {}),
            **top,
        ).model()

    def render(self, **_: Any) -> DAG:
        """The same DAG, after its problems, if any, were raised."""
        self.model()
        return self

    def build(
        self, force: bool = False, show_progress: bool = True, debug: str | None = None
    ) -> dict[str, str]:
        """Runs what has to be run; {task: what became of it}. DAGBuildError when tasks fail."""
        return self._build(Selection(force=("*",) if force else ()), show_progress, bool(debug))

    def build_partially(
        self, target: str, force: bool = False, skip_upstream: bool = False, **_: Any
    ) -> dict[str, str]:
        forced = ("*",) if force else ()
        return self._build(
            Selection(until=(target,), skip_upstream=skip_upstream, force=forced), True, False
        )

    def build_only(self, name: str, force: bool = False) -> dict[str, str]:
        forced = (name,) if force else ()
        return self._build(Selection(until=(name,), force=forced), True, False)

    def _build(self, selection: Selection, show: bool, debug: bool) -> dict[str, str]:
        from byoa.pipeline.build import Options, build
        from byoa.pipeline.show import Show

        model = self.model()
        table = Show(model.tasks, quiet=not show)
        try:
            result = build(model, selection, Options(debug=debug), watcher=table)
        finally:
            table.close()
        outcomes: dict[str, str] = {name: one.outcome for name, one in result.outcomes.items()}
        if result.exit_code:
            failed = [name for name, outcome in outcomes.items() if outcome == "failed"]
            raise DAGBuildError(f"Failed: {', '.join(failed) or 'the build'}. See their logs.")
        return outcomes

    def status(self, **_: Any) -> dict[str, str]:
        """{task: whether it would run, and why}."""
        from byoa.pipeline.state import State

        plan = State(self.model()).plan(Selection())
        return {
            name: "; ".join([one.action, *(reason.text for reason in one.reasons)])
            for name, one in plan.items()
        }

    def plot(self, *_: Any, **__: Any) -> None:
        raise UsageError("DAG.plot is not taken over. Use `byoa pipeline plot`.")

    to_markup = plot


class DAGConfigurator:
    """Makes DAGs; its settings are accepted, and have no effect."""

    class _Params:
        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

    def __init__(self, d: Mapping[str, Any] | None = None) -> None:
        self.params = self._Params()
        if (d or {}).get("outdated_by_code", True) is not True:
            raise UsageError("outdated_by_code=False is not taken over: changed code is run.")

    def create(self, name: str | None = None) -> DAG:
        return DAG(name=name)
