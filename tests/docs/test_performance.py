"""docs/performance.md says what benchmarks/results says, in its tables and in the goals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import _goals
import _markdown
import _page

PAGE = _page.PAGE.read_text(encoding="utf-8")


def without_start(page: str) -> str:
    """Without what `startup.py` found, which its own section says."""
    return re.sub(r"^\| start to ready .*\n", "", page, flags=re.M)


def test_the_tables_are_the_results():
    written = _page.replaced(PAGE, _page.results())
    assert without_start(written) == without_start(PAGE), "run: python benchmarks/_page.py"


def test_a_table_without_its_place_is_told():
    with pytest.raises(SystemExit, match="has no place for"):
        _page.replaced("a page", _page.results())


def test_a_changed_result_changes_the_page():
    found = json.loads(json.dumps(_page.results()))
    part = found["train_step"]["wall: resnet50_fpn, 640 x 480 JPEG, 2 threads"]
    part["times_as_fast"]["ours, unchanged recipe"] = 1.23
    written = _page.replaced(PAGE, found)
    assert written != PAGE and "by the wall on two threads 1.23 x | **no** |" in written


def test_every_goal_has_a_benchmark_that_is_there():
    names = {path.stem for path in Path(_page.__file__).parent.glob("[a-z]*.py")}
    goals = [goal for part in _goals.PARTS for goal in part(_page.results())]
    assert {goal.by.strip("`") for goal in goals} <= names
    assert {goal.met for goal in goals} == {True, False, None}  # honest misses are there


@pytest.mark.parametrize(
    ("value", "text"), [(-0.04, "0.0"), (-0.3, "−0.3"), (0.25, "+0.2"), (1.0, "+1.0")]
)
def test_signs(value: float, text: str):
    assert _markdown.signed(value) == text


def test_spans():
    assert _markdown.span([3, 1.04, 2], 1) == "1.0 to 3.0"
    assert _markdown.span([1, 1.04], 1, " %") == "1.0 %"
