"""docs/pipeline-yaml.md: its examples are pipelines, its tables name every key that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.job_options import OPTIONS as JOBS
from tests.byoa.pipeline.loading import loaded

PAGE = Path(__file__).parents[3].joinpath("docs/pipeline-yaml.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TASKS = """
def get(product, sample=None): pass
def fit(product, model, depth, rows, rate=None): pass
def rates(): return [0.1, 0.2]
def train(product, depth, rate): pass
def score(product, upstream, depth): upstream["train"]
def draw(product, upstream, size, rate): upstream["score-*"]
def best(product, upstream): upstream["score*"]
"""
FILES = {
    "tasks.py": TASKS,
    "scripts/plot.py": '# %% tags=["parameters"]\nupstream = ["get"]\nbins = 1\n',
    "env.yaml": next(block for block in BLOCKS if block.startswith("# env.yaml")),
}
EXAMPLES = [block for block in BLOCKS if not block.startswith("# env.yaml")]


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_is_a_pipeline(block: str, tmp_path: Path):
    pipeline = loaded(tmp_path, {**FILES, "pipeline.yaml": block.replace("{{git}}", "{{user}}")})
    assert pipeline.tasks


def test_the_chained_grids_are_what_the_page_says(tmp_path: Path):
    block = next(block for block in EXAMPLES if "for_each" in block)
    tasks = loaded(tmp_path, {**FILES, "pipeline.yaml": block}).tasks
    assert tasks["score-2-0.1"].upstream == {"train": ("train-2-0.1",)}
    assert tasks["score-2-0.1"].params == {"depth": 2}
    assert tasks["draw-4-0.1-l"].params == {"size": "l", "rate": 0.1}
    assert tasks["best"].needs == ("score-2-0.1", "score-4-0.1")


def test_every_key_is_on_the_page():
    keys = {*kinds.TOP, *kinds.META, *kinds.TASK, *kinds.CLASSES, *kinds.PRODUCTS}
    own = {key for kind, some in kinds.OPTIONS.items() if kind not in JOBS for key in some}
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL).replace("params.", "")
    said = set(re.findall(r"`([^`]+)`", text))
    assert not {key for key in keys | own if key not in said}
