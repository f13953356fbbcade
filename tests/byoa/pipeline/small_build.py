"""A build without processes: every task that has to run is run here, by the worker's own code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byoa.pipeline.backends import unchanged
from byoa.pipeline.commit import discard, in_place
from byoa.pipeline.order import order_for
from byoa.pipeline.state import State
from byoa.pipeline.worker import attempt
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.selection import Selection, chosen


class FailedError(Exception):
    """A task failed."""


@contextmanager
def as_a_new_process(root: Path) -> Iterator[None]:
    """What a forked child would change for itself alone."""
    kept = dict(sys.modules)
    try:
        with unchanged():
            yield
    finally:
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name not in kept and (file.startswith(str(root)) or not file):
                del sys.modules[name]
        for name in [name for name in sys.path_importer_cache if name.startswith(str(root))]:
            del sys.path_importer_cache[name]


def build(pipeline: Pipeline, selection: Selection | None = None) -> list[str]:
    """The names of the tasks that ran, in their order."""
    selection = selection or Selection()
    state = State(pipeline)
    state.sweep()
    plan = state.plan(selection)
    forced = chosen(pipeline, selection).forced
    ran = []
    for name, decision in plan.items():
        task = pipeline.tasks[name]
        if decision.action in ("keep", "left out"):
            continue
        if decision.action == "perhaps" and state.decide(task).action == "keep":
            continue
        assert decision.action == "perhaps" or state.decide(task, forced=name in forced).reasons
        staged, _ = state.stage(task)
        state.begin(task, f"run-{os.getpid()}")
        ran.append(name)
        with as_a_new_process(Path(pipeline.root)):
            work = pipeline.root if in_place(task) else str(staged)
            facts = attempt(task, order_for(pipeline, task, work))
        if facts.failure:
            discard(task, staged)
            raise FailedError(f"{name}: {facts.failure.traceback}")
        state.commit(task, staged, {"metrics": facts.metrics})
    state.save()
    left = [*state.work.glob("*"), *state.root.rglob(".byoa-partial-*")]
    assert not left, "something was left aside"
    return ran
