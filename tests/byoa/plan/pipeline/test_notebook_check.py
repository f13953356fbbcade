from __future__ import annotations

import pytest

from byoa.plan.pipeline import notebook_check as check
from byoa.plan.pipeline.model import Product, Source, Task
from byoa.plan.pipeline.notebook_source import read

PARAMETERS = "# %% tags=['parameters']\nupstream = None\nproduct = None\nx = 0\n"


def told(text, **values):
    return list(check.code_problems(read(text, ".py"), frozenset({"product", *values})))


@pytest.mark.parametrize(
    "text, problems",
    [
        ("# %%\nprint(product)", []),
        ("# %% [markdown]\n# a\n# %%\n\nprint(y)", ["cell 2, line 2: undefined name 'y'."]),
        ("# %%\nreturn 1", ["cell 1, line 1: 'return' outside function."]),
        ("# %%\nif\n", ["cell 1, line 1: invalid syntax."]),
        ("# %%\nawait x()\n", ["cell 1, line 1: undefined name 'x'."]),
        ("# %%\nasync with product:\n    pass\nasync for i in product: pass", []),
        ("# %%\nimport os\nimport sys", []),  # a matter of taste
        ("# %%\ndisplay(get_ipython(), In, _)", []),
        ("# %%\n# %time y = 1\n# !ls", []),
        ("# %%\n# %run other.py\nprint(y)", []),
        ("# %%\n# %%capture out\n1\n# %%\nout.stdout", []),
        ("# %%\n# %%bash --out text\n# ls\n# %%\ntext", []),
        ("# %%\nfrom math import *\nsin(y)", []),
    ],
)
def test_code_that_cannot_work(text, problems):
    assert told(text) == problems


def test_what_is_injected_is_there():
    assert told("# %%\nprint(n)", n=1) == []


def test_an_error_names_file_cell_and_way_out():
    with pytest.raises(check.NotebookError) as error:
        check.check(read("# %%\ny", ".py"), {}, "nb.py", "regular")
    assert str(error.value).split("\n") == [
        "nb.py: cell 1, line 1: undefined name 'y'.",
        "To leave this out, set static_analysis: disable for the task.",
    ]


def test_other_languages_are_not_read():
    notebook = read("# %%\nx <- y", ".R")
    check.check(notebook, {}, "nb.R", "strict")


def task(text, params=(), **options):
    return Task(
        name="a",
        kind="notebook",
        source=Source(path="a.py", text=text),
        products={"": Product("a.html")},
        params=dict.fromkeys(params, 1),
        options=options,
    )


@pytest.mark.parametrize(
    "text, params, words",
    [
        (PARAMETERS + "# %%\nx", ["x"], []),
        (PARAMETERS + "# %%\nx", [], ["has x; set that"]),
        (PARAMETERS + "# %%\nx", ["x", "y"], ["have y; write `y = None`"]),
        (PARAMETERS + "# %%\nz", ["x"], ["undefined name 'z'"]),
        ("# %%\nx", ["x"], ["no cell with the tag `parameters`"]),
        ("# %% tags=['parameters']\nx: int = 1\n(a, b) = 1, 2\n# %%\n1", ["x", "a", "b"], []),
    ],
)
def test_strict_compares_parameters_before_anything_runs(text, params, words):
    problems = check.problems(task(text, params, static_analysis="strict"))
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))
    assert check.problems(task(text, params)) == []


def test_a_grids_points_share_one_analysis():
    check.text_problems.cache_clear()
    for n in range(50):
        text = PARAMETERS + "# %%\nx"
        assert check.problems(task(text, ["x"], static_analysis="strict", n=n)) == []
    assert check.text_problems.cache_info().misses == 1


def test_parameters_that_nothing_uses():
    notebook = read(PARAMETERS + "# %%\nx + 1", ".py")
    assert check.unused(notebook, frozenset({"x", "y", "product"})) == ["y"]
