"""Names, products, params and upstream as real Ploomber 0.23 says them (ploomber_says.json)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.pipeline.model import Pipeline
from tests.byoa.pipeline.loading import loaded
from tests.byoa.pipeline.ploomber_cases import CASES, TASKS

SAYS = json.loads(Path(__file__).with_name("ploomber_says.json").read_text())
#: Where ours differs on purpose: names of a grid's points come from their values, not from their
#: positions (a value added in the middle would rename finished work). Theirs → ours.
RENAMED = {
    "grid": {
        "m-1-0.1-0.pkl": "m-1-0.1.pkl",
        "m-1-1e-05-1.pkl": "m-1-1e-05.pkl",
        "m-2-0.1-2.pkl": "m-2-0.1.pkl",
        "m-2-1e-05-3.pkl": "m-2-1e-05.pkl",
    },
    "grid of lists, values missing": {
        "o/m-1-0.tar.gz": "o/m-1.tar.gz",
        "o/m-2-1.tar.gz": "o/m-2.tar.gz",
        "o/m-31-2.tar.gz": "o/m-31.tar.gz",
        "o/m-32-3.tar.gz": "o/m-32.tar.gz",
    },
    "grid by number": {
        **{"fit-0": "fit-1", "fit-1": "fit-2"},
        **{"m-0.pkl": "m-1.pkl", "m-1.pkl": "m-2.pkl"},
    },
    "a grid of lists and mappings": {"m-a-0.pkl": "m-a.pkl", "m-b-1.pkl": "m-b.pkl"},
    "a table in a grid": {"t-1-0": "t-1", "t-2-1": "t-2"},
}  # fmt: skip
RENAMED["grid and wildcard"] = RENAMED["grid by number"]


def ours(pipeline: Pipeline) -> dict[str, Any]:
    found = {}
    for name, task in pipeline.tasks.items():
        params = dict(task.params)
        if task.resources:
            params["resources_"] = {key: f"HERE/{one}" for key, one in task.resources.items()}
        found[name] = {
            "products": {
                key: os.path.relpath(Path(pipeline.root, one.path), pipeline.root)
                if one.relation is None
                else list(one.relation)
                for key, one in task.products.items()
            },
            "params": json.loads(json.dumps(params).replace(pipeline.root, "HERE")),
            "upstream": sorted(task.needs),
        }
    return found


def renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", CASES)
def test_it_means_what_ploomber_says(case: str, tmp_path: Path):
    files = CASES[case]
    entry = next(name for name in files if name.startswith("pipeline"))
    pipeline = loaded(tmp_path, {"tasks.py": TASKS, **files}, entry=entry)
    assert ours(pipeline) == renamed(SAYS[case], RENAMED.get(case, {}))


def test_every_case_was_asked():
    assert SAYS.keys() == CASES.keys()
