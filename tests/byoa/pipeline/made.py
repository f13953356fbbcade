"""Small pipelines for tests: functions in a file, tasks that call them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from byoa.pipeline.build import Options, build
from byoa.pipeline.outcome import Result
from byoa.plan.pipeline.model import SINGLE, Dotted, Limits, Pipeline, Product, Source, Task
from byoa.plan.pipeline.selection import Selection


class Project:
    """A folder with a module `steps`, and tasks that are functions in it."""

    def __init__(self, root: Path, code: str = "") -> None:
        self.root, self.tasks = root, dict[str, Task]()
        self.words: dict[str, Any] = {}
        self.write(code)

    def write(self, code: str, file: str = "steps.py") -> None:
        (self.root / file).write_text(textwrap.dedent(code))

    def task(
        self,
        name: str,
        does: str = "",
        *,
        needs: Iterable[str] = (),
        makes: str | dict[str, str] = "",
        limits: Limits = Limits(),  # noqa: B008 frozen
        **words: Any,
    ) -> Task:
        """Adds a task; it calls the function of its name, or `does`."""
        makes = makes or f"out/{name}"
        paths = makes if isinstance(makes, dict) else {SINGLE: makes}
        self.tasks[name] = Task(
            name=name,
            kind=words.pop("kind", "function"),
            source=words.pop("source", None) or Source(dotted=f"steps.{does or name}"),
            products={key: Product(path) for key, path in paths.items()},
            upstream={one: (one,) for one in needs} | words.pop("upstream", {}),
            limits=limits,
            **words,
        )
        return self.tasks[name]

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(name="pipeline", root=str(self.root), tasks=self.tasks, **self.words)

    @property
    def home(self) -> Path:
        return self.root / ".byoa/pipeline/pipeline"

    def build(self, *args: Any, jobs: int = 2, **more: Any) -> Result:
        selection = args[0] if args else Selection()
        options = more.pop("options", None) or Options(jobs=jobs, wait=False)
        return build(self.pipeline, selection, options, **more)

    def made(self, name: str) -> str:
        return (self.root / "out" / name).read_text()

    def log(self, name: str) -> str:
        """The newest log of a task."""
        return sorted(self.home.glob(f"runs/*/logs/{name}.log"))[-1].read_text()


def became(result: Result) -> dict[str, str]:
    return {name: one.outcome for name, one in result.outcomes.items()}


def error(result: Result, name: str) -> str:
    failure = result.outcomes[name].failure
    return failure.text if failure else ""


def hook(path: str, **arguments: Any) -> Dotted:
    return Dotted(path, arguments)
