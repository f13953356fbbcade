"""The parameters cell, found without jupytext, is the one that the notebooks' own reader finds."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline import notebook_source
from byoa.plan.pipeline.parameters import ParametersCell, parameters_cell
from byoa.plan.pipeline.upstream import (
    CodeError,
    names_in,
    of_cell,
    of_function,
    of_template,
    product_of_cell,
    product_of_template,
)

BODY = "# a comment\nupstream = ['a', 'b']\nproduct = None"
SOURCES = [
    (f'# %%\nx = 1\n\n# %% tags=["parameters"]\n{BODY}\n\n# %%\nprint(x)\n', ".py"),
    (f"# %% some title tags=['other', 'parameters'] a=1\n{BODY}\n", ".py"),
    (f'#%% {{"tags": ["parameters"]}}\n{BODY}\n# %% [markdown]\n# text\n', ".py"),
    (f'import os\n\n# + tags=["parameters"]\n{BODY}\n# -\n\nprint(1)\n', ".py"),
    (f'# + {{"tags": ["parameters"]}}\n{BODY}\n\n# +\nprint(1)\n', ".py"),
    (f'# T\n\n```python tags=["parameters"]\n{BODY}\n```\n\n```python\n1\n```\n', ".md"),
    (f'# T\n\n```{{python tags=c("parameters")}}\n{BODY}\n```\n', ".Rmd"),
    ("# %%\nupstream = ['a']\n", ".py"),
    ("upstream = ['a']\n", ".py"),
    ('# %% tags=["parameter"]\nupstream = ["a"]\n', ".py"),
]


@pytest.mark.parametrize(("text", "suffix"), SOURCES)
def test_both_readers_agree(text: str, suffix: str):
    ours = parameters_cell(text, suffix)
    theirs = notebook_source.parameters(notebook_source.read(text, suffix))
    assert (ours.text.strip() if ours else None) == (theirs.strip() if theirs else None)


def test_of_a_notebook():
    def notebook(**cell: object) -> str:
        cells = [{"cell_type": "code", "source": "1"}, {"cell_type": "code", **cell}]
        return json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "R"}}})

    tagged = notebook(source=["upstream = ", "list('a')"], metadata={"tags": ["parameters"]})
    cell = parameters_cell(tagged, ".ipynb")
    assert cell == ParametersCell("upstream = list('a')", 0, "R")
    assert of_cell(cell) == ("a",)
    assert parameters_cell(notebook(source="x"), ".ipynb") is None
    for wrong in ("{", "[]", '{"cells": 3}'):
        with pytest.raises(ValueError, match="it is no notebook"):
            parameters_cell(wrong, ".ipynb")


@given(
    st.text("#%+- tags=[]\"'parmeters\n`{}1", max_size=80), st.sampled_from([".py", ".md", ".R"])
)
def test_any_text_is_read(text: str, suffix: str):
    found = parameters_cell(text, suffix)
    if found:
        assert "parameters" in text
        try:
            of_cell(found)
        except CodeError as error:
            assert str(error).endswith(".")


def cell(text: str) -> ParametersCell:
    return ParametersCell(text, 3)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("upstream = None", ()),
        ("x = 1", ()),
        ("upstream = []", ()),
        ("upstream = ['a', 'b', 'a']", ("a", "b")),
        ("upstream = {'a', 'b'}", ("a", "b")),
        ("upstream: list = ['a']", ("a",)),
        ("upstream = {'a': None, 'b-*': None}", ("a", "b-*")),
        ("upstream = ['a']\nupstream = ['b']", ("b",)),
        ("upstream = [f'fit-{n}' for n in range(2)]", ("fit-0", "fit-1")),
        ("upstream = ['a'] + ['b']", ("a", "b")),
        ("%matplotlib inline\n!ls\nupstream = ('a',)", ("a",)),
    ],
)
def test_upstream_of_a_cell(code: str, names: tuple[str, ...]):
    assert of_cell(cell(code)) == names


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("upstream = 'a'", "Write ['a']."),
        ("upstream = 3", "Write a list of names."),
        ("upstream = [1]", "Write a list of names."),
        ("upstream = names", "cannot be read without running it. Write the names out."),
        ("upstream = __import__('os').listdir()", "cannot be read without running it"),
        ("upstream = ().__class__.__bases__", "cannot be read without running it"),
        ("upstream = [1 // 0 for _ in range(1)]", "integer division or modulo by zero"),
        ("x = (\nupstream = 1", "its parameters cell is no Python in line"),
    ],
)
def test_upstream_that_cannot_be_read(code: str, said: str):
    with pytest.raises(CodeError) as caught:
        of_cell(cell(code))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("code", "upstream"),
    [
        ("upstream = NULL", ()),
        ("# upstream = list('no')\nupstream <- list('a', \"b\")", ("a", "b")),
        ("upstream = c(\n'a',\n'b')", ("a", "b")),
    ],
)
def test_upstream_in_r(code: str, upstream: tuple[str, ...]):
    assert of_cell(cell(code), "r") == upstream


def test_products_that_the_code_says():
    assert product_of_cell(cell("product = {'nb': 'a.html'}")) == {"nb": "a.html"}
    assert product_of_cell(cell('product = list(nb="a.html", d="b")'), "r") == {
        "nb": "a.html",
        "d": "b",
    }
    assert product_of_cell(cell('product = "a.html"'), "r") == "a.html"
    with pytest.raises(CodeError, match="has no product"):
        product_of_cell(cell("product = None"))
    sql = "{% set product = SQLRelation(['s', 't', 'view']) %}CREATE VIEW {{product}}"
    assert product_of_template(sql) == ("SQLRelation", ["s", "t", "view"])
    with pytest.raises(CodeError, match="extract_product is on"):
        product_of_template("SELECT 1")


def test_names_that_a_cell_has_values_for():
    assert names_in(cell("upstream = None\nproduct = None\na = 1\nb: int = 2\nc, d = 1, 2")) == (
        "a",
        "b",
    )
    assert names_in(None) == names_in(cell("a = ")) == ()


def test_templates_and_functions_in_their_order():
    sql = (
        "{% raise 'x' %}{{upstream['b']}} {# {{upstream['no']}} #} {{upstream.a}} {{upstream['b']}}"
    )
    assert of_template(sql) == ("b", "a")
    with pytest.raises(CodeError, match="it is no template, line 2"):
        of_template("\n{{upstream['a'}}")
    code = (
        "def f(product, upstream):\n    upstream['z'], upstream['a']\n    other['b']; upstream[key]"
    )
    assert of_function(ast.parse(code)) == ("z", "a")


def test_the_seeds_own_scripts():
    """Light scripts, as Ploomber's examples have them, need no jupytext."""
    text = Path(__file__).parents[4].joinpath("examples/pipeline/scripts/fit.py").read_text()
    found = parameters_cell(text, ".py")
    assert found is not None
    assert of_cell(found) == ("features",)
