"""Pipelines written in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline import Pipeline, Task
from byoa.plan.errors import UsageError
from byoa.plan.pipeline.problems import PipelineError


def get(product: Any) -> None:
    Path(product).write_text("3")


def fit(product: Any, upstream: Any, depth: int) -> None:
    Path(product).write_text(str(depth * int(Path(upstream["get"]).read_text())))


def score(product: Any, upstream: Any, depth: int) -> None:
    (fitted,) = upstream.values()
    Path(product).write_text(f"{depth}: {Path(fitted).read_text()}")


def best(product: Any, upstream: Any) -> None:
    Path(product).write_text(" ".join(sorted(upstream["fit*"])))


def test_a_pipeline_from_python_is_built(tmp_path: Path):
    pipeline = Pipeline(root=tmp_path)
    raw = pipeline.task(get, "out/raw.txt")
    fits = pipeline.task(fit, "m.txt", name="fit", upstream=raw, grid={"depth": [2, 4]})
    other = Task(get, "fitness.txt", name="fitness")  # fit* is the grid, not this
    pipeline.add(other, fits >> Task(best, "best.txt"))
    pipeline.task(score, "s.txt", name="score", for_each="fit")
    assert pipeline.build(jobs=2, quiet=True).exit_code == 0
    assert (tmp_path / "best.txt").read_text() == "fit-2 fit-4"
    assert (tmp_path / "s-4.txt").read_text() == "4: 12"
    assert {one.action for one in pipeline.plan().values()} == {"keep"}


def test_texts_are_what_they_are_without_an_env(tmp_path: Path):
    def model(**top: Any) -> Any:
        task = Task(fit, "{{x}}.txt", params={"depth": "1"}, upstream="get")
        return Pipeline([Task(get, "g"), task], root=tmp_path, **top).model().tasks["fit"]

    assert model().products[""].path == "{{x}}.txt"
    assert model().params == {"depth": "1"}
    assert model(env={"x": "y"}).products[""].path == "y.txt"
    assert model(env={"x": "y"}).params == {"depth": 1}


def test_objects_stand_where_names_may(tmp_path: Path):
    client = object()

    def hook() -> None: ...

    task = Task(get, "g", on_finish=hook, client=client)
    pipeline = Pipeline([task], root=tmp_path, clients={"File": client}, on_failure=hook)
    model = pipeline.model()
    made = model.tasks["get"]
    assert made.client is not None
    assert made.client.object is not None
    assert made.client.object() is client
    assert made.hooks["on_finish"].object is hook
    assert made.products[""].client == model.clients["File"]


def test_problems_name_the_task(tmp_path: Path):
    pipeline = Pipeline([Task(fit, "x", name="f", upstream="nothing")], root=tmp_path)
    with pytest.raises(
        PipelineError, match=r"f: fit wants 'depth'(.|\n)*there is no task 'nothing'"
    ):
        pipeline.model()
    with pytest.raises(UsageError, match="Did you mean 'clients'"):
        Pipeline(client={})
