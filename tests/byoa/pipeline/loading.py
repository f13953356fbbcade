"""A project written down and read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline.load import Around, load
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.problems import PipelineError

#: Functions that most of the tests' pipelines are made of.
FUNCTIONS = """
def get(product): pass
def clean(product, upstream):
    upstream["get"]
def fit(product, upstream, depth=1, rate=0.1):
    upstream["clean"]
def join(product, upstream):
    upstream["fit-*"]
"""


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder, with these files in it."""
    for name, text in {"tasks.py": FUNCTIONS, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def loaded(folder: Path, files: Mapping[str, str] | str, **more: Any) -> Pipeline:
    """The pipeline of these files, or of this pipeline.yaml."""
    said = {"pipeline.yaml": files} if isinstance(files, str) else files
    written(folder, said)
    around = Around(environ=more.pop("environ", {}), cwd=more.pop("cwd", folder))
    return load(more.pop("entry", None), more.pop("overrides", None), around, **more)


def refused(folder: Path, files: Mapping[str, str] | str, **more: Any) -> list[str]:
    """What is said about a pipeline that cannot be, a line each."""
    with pytest.raises(PipelineError) as caught:
        loaded(folder, files, **more)
    return str(caught.value).splitlines()


def products(pipeline: Pipeline) -> dict[str, Any]:
    """{task: path}, {task: {key: path}} where it has several."""
    return {
        name: shown[""] if set(shown) == {""} else shown
        for name, task in pipeline.tasks.items()
        for shown in [{key: one.path or one.relation for key, one in task.products.items()}]
    }  # fmt: skip
