"""The meaning of notebooks and scripts: what of them is a change, and what is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.cell_code import of_notebook, of_script

PERCENT = """\
# ---
# jupyter: {kernelspec: {name: python3}}
# ---
# %% [markdown]
# # Title
# %% tags=["parameters"]
upstream = None
n = 1
# %%
import math
x = math.sqrt(n)
x
"""


def percent(old: str = "", new: str = "") -> str:
    assert old in PERCENT
    return of_notebook(PERCENT.replace(old, new, 1) if old else PERCENT, "n.py")[1]


SAME = {
    "a comment": ("x = math", "# more\nx = math"),
    "markdown": ("# # Title", "# # Another"),
    "a markdown cell more": ("# %%\nimport", "# %% [markdown]\n# so\n# %%\nimport"),
    "layout": ("x = math.sqrt(n)", "x = (\n    math.sqrt(n))"),
    "an empty cell": ("# %%\nimport", "# %%\n\n# %%\nimport"),
}
OTHER = {
    "code": ("sqrt(n)", "sqrt(n) + 1"),
    "a default": ("n = 1", "n = 2"),
    "tags": ('["parameters"]', '["parameters", "score"]'),
    "a cell cut in two shows more": ("x = math.sqrt(n)\n", "x = math.sqrt(n)\n# %%\n"),
    "cells in another order": ('# %% tags=["parameters"]\nupstream = None\nn = 1\n', ""),
    "a magic": ("x = math", "# %matplotlib inline\nx = math"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_count(name):
    assert percent(*SAME[name]) == percent()


@pytest.mark.parametrize("name", OTHER)
def test_what_counts(name):
    assert percent(*OTHER[name]) != percent()


def ipynb(*sources: str, language: str = "python", **more: object) -> str:
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], **more}
        for source in sources
    ]
    about = {"kernelspec": {"name": "k", "language": language}}
    return json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})


def digest(text: str) -> str:
    return of_notebook(text, "n.ipynb")[1]


def test_outputs_and_counts_are_no_change():
    out = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    assert digest(ipynb("x = 1", outputs=out, execution_count=7, id="a")) == digest(ipynb("x = 1"))
    assert digest(ipynb("x = 2")) != digest(ipynb("x = 1"))


def test_a_source_as_lines_is_the_same():
    lines = json.loads(ipynb("x = 1\ny = 2"))
    lines["cells"][0]["source"] = ["x = 1\n", "y = 2"]
    assert digest(json.dumps(lines)) == digest(ipynb("x = 1\ny = 2"))


def test_a_script_and_a_notebook_of_the_same_cells_are_the_same():
    assert of_notebook("# %%\nx = 1\n# %%\nx\n", "n.py")[1] == digest(ipynb("x = 1", "x"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%%bash\nls", "%%bash\nls -l"),
        ("!ls", "!ls -l"),
        ("x = !ls", "x = !ls -l"),
        ("%time f()", "%time g()"),
        ("%%time\nf()", "%%time\ng()"),
        ("x = (", "y = ("),
    ],
)
def test_what_is_no_python_counts_as_it_stands(old, new):
    assert digest(ipynb(old)) != digest(ipynb(new))
    assert digest(ipynb(old)) == digest(ipynb(old))


def test_python_around_magics_is_still_understood():
    module, *_ = of_notebook(ipynb("%matplotlib inline\nimport h\ny = h.g()"), "n.ipynb")
    assert {use.name for part in module.parts for use in part.uses} == {"h"}


def test_another_language_counts_as_it_stands():
    one, other = (digest(ipynb(text, language="R")) for text in ("x <- 1", "x <- 1 # so"))
    assert one != other


def test_await_at_the_top_is_python():
    module, *_ = of_notebook(ipynb("import h\nawait h.g()"), "n.ipynb")
    assert not any(part.anything for part in module.parts)


def test_what_cannot_be_read_may_use_all_that_it_imports():
    module, *_ = of_notebook(ipynb("import h.k\nfrom m import (\nx = ["), "n.ipynb")
    assert [one.module for part in module.parts for one in part.imports] == ["h.k", "m"]


def test_a_plain_script_has_no_cells():
    digests = {of_script(text, "s.py")[1] for text in ("x = 1\nx\n", "# %%\nx = 1\n\n# %%\nx\n")}
    assert len(digests) == 1
    assert of_script("x = 2\nx\n", "s.py")[1] not in digests


@given(st.text())
@pytest.mark.parametrize("name", ["n.ipynb", "n.py"])
def test_any_text_has_a_meaning(name, text):
    if name == "n.py":
        text = f"# %%\n{text}"  # without borders it would be jupytext's
    assert of_notebook(text, name)[1] == of_notebook(text, name)[1]
    assert of_script(text, name)[1]
