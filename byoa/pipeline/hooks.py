"""The pipeline's own hooks and the tasks' on_render, as tasks that the build runs aside.

User code never runs in the driver: a hook gets a process like a task, and its log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from byoa.pipeline import worker
from byoa.pipeline.order import order_for
from byoa.pipeline.outcome import Result
from byoa.pipeline.views import DagView
from byoa.plan.pipeline.model import Pipeline, Source, Task

#: The pipeline of a process that was forked from Python, with functions that cannot be sent.
_held: list[Pipeline] = []


def hold(pipeline: Pipeline) -> None:
    """Keeps the pipeline for hooks that run in a fork of this process."""
    _held[:] = [pipeline]


def rendering(pipeline: Pipeline, tasks: Iterable[str], *, sent: bool) -> Task | None:
    """What calls on_render of these tasks and of the pipeline; None when there is none."""
    having = [name for name in tasks if "on_render" in pipeline.tasks[name].hooks]
    if not having and "on_render" not in pipeline.hooks:
        return None
    return aside("on_render", pipeline, sent, tasks=having)


def finishing(pipeline: Pipeline, result: Result, *, sent: bool) -> Task | None:
    """What calls on_finish, or on_failure; None when there is none."""
    bad = bool(result.failed or result.failure or result.stopped == "early")
    name = "on_failure" if bad else "on_finish"
    if name not in pipeline.hooks:
        return None
    if bad:
        return aside(name, pipeline, sent, given={"traceback": {"build": errors(result)}})
    return aside(name, pipeline, sent, given={"report": report(result)})


def aside(name: str, pipeline: Pipeline, sent: bool, **more: Any) -> Task:
    """A task that is none of the pipeline's: it calls a function below."""
    params = {"pipeline": pipeline if sent else None, **more}
    function = "render" if name == "on_render" else "over"
    return Task(
        name=f"({name})",
        kind="function",
        source=Source(dotted=f"byoa.pipeline.hooks.{function}"),
        products={},
        params=params if function == "render" else {**params, "name": name},
    )


def render(product: object, pipeline: Pipeline | None, tasks: Iterable[str]) -> None:
    """Calls on_render of tasks, then the pipeline's. Any of them may raise to stop the build."""
    pipeline = pipeline or _held[0]
    for name in tasks:
        task = pipeline.tasks[name]
        worker.hook(task, order_for(pipeline, task, pipeline.root), "on_render")
    if "on_render" in pipeline.hooks:
        over(product, pipeline, "on_render", {})


def over(product: object, pipeline: Pipeline | None, name: str, given: Mapping[str, Any]) -> None:
    """Calls a hook of the pipeline with what it asks for."""
    pipeline = pipeline or _held[0]
    worker.call(pipeline.hooks[name], {"dag": DagView(pipeline), **given}, f"{name}")


def finish_task(pipeline: Pipeline, task: Task) -> None:
    """Calls a task's on_finish on what lies there."""
    order = order_for(pipeline, task, pipeline.root)
    with worker.surroundings(order):
        worker.hook(task, order, "on_finish")


def report(result: Result) -> dict[str, list[Any]]:
    """A build as columns, the way Ploomber's report is read: report["name"], report["Ran?"]."""
    outcomes = list(result.outcomes.values())
    total = sum(one.seconds for one in outcomes) or 1
    return {
        "name": [one.task for one in outcomes],
        "Ran?": [one.outcome == "done" for one in outcomes],
        "Elapsed (s)": [one.seconds for one in outcomes],
        "Percentage": [100 * one.seconds / total for one in outcomes],
    }


def errors(result: Result) -> str:
    """Every failure's traceback below its task's name."""
    failed = [(one.task, one.failure) for one in result.failed if one.failure]
    found = [f"{task}\n{failure.traceback or failure.text}" for task, failure in failed]
    return "\n\n".join([*found, *([result.failure.text] if result.failure else [])])
