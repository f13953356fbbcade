"""How a build goes about it, and who looks on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from byoa.pipeline.slots import cores
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.selection import Selection


class Watcher(Protocol):
    """Whoever looks on: every event as it happens, time that passes, other lines to show."""

    def event(self, event: Mapping[str, Any]) -> None: ...

    def tick(self) -> None: ...

    def say(self, text: str) -> None: ...


@dataclass(frozen=True)
class Options:
    """How a build goes about it."""

    jobs: int | None = None  #: tasks at once; None is what pipeline.yaml says, else the cores
    fail_fast: bool = False  #: a failure stops what has not begun; else only what depends on it
    wait: bool = True  #: for another build of the same pipeline
    debug: bool = False  #: in this process, a debugger at the first error
    echo: bool = False  #: the tasks' output on this process's stdout, as it comes
    argv: tuple[str, ...] = ()


ALL, USUAL = Selection(), Options()


def jobs_of(pipeline: Pipeline, options: Options) -> int:
    """-j, else the executor's in pipeline.yaml, else the cores that this process may use."""
    if options.jobs is not None:
        return options.jobs
    if pipeline.executor.path.rpartition(".")[2].lower() == "serial":
        return 1
    asked = pipeline.executor.arguments.get("processes")
    return int(asked) if asked else cores()
