"""Which tasks a selection means."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.model import Pipeline, Product, Source, Task
from byoa.plan.pipeline.selection import Selection, chosen, named


def task(name: str, *needs: str, family: str = "") -> Task:
    return Task(
        name=name,
        kind="function",
        source=Source(dotted="t.f"),
        products={"": Product(name)},
        upstream={one: (one,) for one in needs},
        family=family,
    )


#: get → clean → fit-1, fit-2 → best; other; a[1]
TASKS = [
    task("get"),
    task("clean", "get"),
    task("fit-1", "clean", family="fit"),
    task("fit-2", "clean", family="fit"),
    task("best", "fit-1", "fit-2"),
    task("other"),
    task("a[1]"),
]
PIPELINE = Pipeline(name="p", root="/", tasks={one.name: one for one in TASKS})
ALL = set(PIPELINE.tasks)
FITS = {"fit-1", "fit-2"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, ALL),
        ({"until": ("clean",)}, {"get", "clean"}),
        ({"until": ("fit",)}, {"get", "clean"} | FITS),
        ({"until": ("fit-?",), "skip_upstream": True}, FITS),
        ({"only": ("best",)}, {"best"}),
        ({"only": ("best",), "until": ("get",)}, {"best", "get"}),
        ({"downstream": ("fit-1",)}, ALL - {"other", "a[1]"}),
        ({"downstream": ("fit-1",), "skip_upstream": True}, {"fit-1", "best"}),
        ({"downstream": ("other",)}, {"other"}),
        ({"only": ("a[1]",)}, {"a[1]"}),
        ({"only": ("*",)}, ALL),
    ],
)
def test_the_tasks(words: dict[str, Any], expected: set[str]):
    assert chosen(PIPELINE, Selection(**words)).tasks == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"force": ("*",)}, ALL),
        ({"force": ("fit",)}, FITS),
        ({"force": ("*",), "until": ("clean",)}, {"get", "clean"}),
        ({"force": ("other",), "until": ("clean",)}, set()),
    ],
)
def test_the_forced_ones(words: dict[str, Any], expected: set[str]):
    assert chosen(PIPELINE, Selection(**words)).forced == expected


@pytest.mark.parametrize("field", ["until", "only", "downstream", "force"])
def test_what_fits_nothing_is_an_error(field: str):
    words: dict[str, Any] = {field: ("claen", "get", "x*")}
    with pytest.raises(UsageError, match=r"No task is called claen or x\*\. Did you mean clean"):
        chosen(PIPELINE, Selection(**words))


def test_no_pattern_means_the_tasks_that_have_no_family():
    with pytest.raises(UsageError, match="There are: get, clean, fit-1, fit, "):
        named(PIPELINE, [""])
