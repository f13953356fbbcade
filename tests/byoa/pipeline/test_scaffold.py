"""What pipeline.yaml names and what is not there is begun, so that it loads and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.pipeline.load import load
from tests.byoa.conftest import Byoa

PIPELINE = """
tasks:
  - source: steps.get
    product: get.csv
    params: {rows: 3}
  - source: steps.clean
    product: clean.csv
  - source: scripts/fit.py
    product: fit.html
    params: {depth: 2}
  - source: look.ipynb
    product: look.html
  - source: say.sh
    product: said.txt
"""


@pytest.fixture
def begun(byoa: Byoa) -> Byoa:
    Path("pipeline.yaml").write_text(PIPELINE)
    Path("steps.py").write_text("def clean(product):\n    product.touch()\n")
    return byoa


def test_only_what_lacks_is_begun(begun: Byoa):
    dry = begun("pipeline", "scaffold", "--dry-run").out.splitlines()
    assert dry == ["steps.py: get", "scripts/fit.py", "look.ipynb", "say.sh"]
    assert not Path("look.ipynb").exists()
    assert begun("pipeline", "scaffold").out.splitlines() == dry
    assert begun("pipeline", "scaffold").out.strip() == "Every source is there."
    text = Path("steps.py").read_text()
    assert text.startswith("def clean(product):") and "def get(product, rows):" in text


def test_what_was_begun_loads_and_says_what_to_write(begun: Byoa):
    begun("pipeline", "scaffold")
    pipeline = load()
    assert list(pipeline.tasks) == ["get", "clean", "fit", "look", "say"]
    said = begun("pipeline", "build")
    assert said.code == 1
    for words in ("write steps.get", "write scripts/fit.py", "write look.ipynb"):
        assert words in said.out + said.err


def test_a_pipeline_that_is_no_list_is_told(byoa: Byoa):
    Path("pipeline.yaml").write_text("tasks: 3")
    said = byoa("pipeline", "scaffold")
    assert said.code == 2 and "no list of tasks" in said.err
