from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import notebook_source as source

LIGHT = """\
# A title

# + tags=["parameters"]
upstream = ["get"]
# -

x = 1
"""
MARKDOWN = """\
# A title

```python tags=["parameters"]
upstream = ["get"]
```

```python
x = 1
```
"""
R = """\
# %% tags=["parameters"]
upstream <- list("get")

# %%
x <- 1
"""


def ipynb(*cells, **metadata):
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4})


def code(text, *tags):
    return {"cell_type": "code", "source": text, "metadata": {"tags": list(tags)}, "outputs": []}


@pytest.mark.parametrize(
    "text, suffix, parameters",
    [
        ("# %% tags=['parameters']\nupstream = ['get']\n# %%\nx = 1", ".py", "upstream = ['get']"),
        (LIGHT, ".py", 'upstream = ["get"]'),
        (MARKDOWN, ".md", 'upstream = ["get"]'),
        (R, ".R", 'upstream <- list("get")'),
        (ipynb(code(["a = 1\n", "b"], "parameters"), code("x")), ".ipynb", "a = 1\nb"),
        ("# %%\nx = 1", ".py", None),
    ],
)
def test_the_parameters_cell_of_every_format(text, suffix, parameters):
    assert source.parameters(source.read(text, suffix)) == parameters


def test_what_tools_have_injected_is_none_of_it():
    text = ipynb(code("a", "parameters"), code("b", "injected-parameters"),
                 code("c", "debugging-settings"), code("d"))  # fmt: skip
    assert [cell.source for cell in source.read(text, ".ipynb").cells] == ["a", "d"]


@pytest.mark.parametrize(
    "metadata, suffix, language, kernel",
    [
        ({}, ".ipynb", "python", ""),
        ({"kernelspec": {"name": "ir", "language": "R"}}, ".ipynb", "r", "ir"),
        ({"kernelspec": {"name": "ir"}}, ".ipynb", "r", "ir"),
        ({"language_info": {"name": "julia"}}, ".ipynb", "julia", ""),
        ({"kernelspec": "odd"}, ".ipynb", "python", ""),
    ],
)
def test_its_language_and_kernel(metadata, suffix, language, kernel):
    notebook = source.read(ipynb(code("1"), **metadata), suffix)
    assert (notebook.language, notebook.kernel) == (language, kernel)


def test_the_language_of_a_suffix():
    assert source.read(R, ".R").language == "r"


def test_notebooks_of_before_format_4():
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1", "outputs": [],
           "language": "python", "collapsed": False, "metadata": {}}], "metadata": {}}],
           "metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}  # fmt: skip
    assert [cell.source for cell in source.read(json.dumps(old), ".ipynb").cells] == ["x = 1"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', "null"])
def test_what_is_no_notebook_is_told(text):
    with pytest.raises(ByoaError, match="not a notebook"):
        source.read(text, ".ipynb")


@pytest.mark.parametrize(
    "cell, python",
    [
        ("x = a %b", "x = a %b"),
        ("%time x\ny = 1", "pass  # %time x\ny = 1"),
        ("if 1:\n    !ls", "if 1:\n    pass  # !ls"),
        ("files = !ls -l", "files = None  # !ls -l"),
        ("a, b = %magic", "a, b = None  # %magic"),
        ("len?\n1", "pass  # len?\n1"),
        ("%%bash\necho", "# %%bash\n# echo"),
        ("%%time\nx = 1", "pass  # %%time\nx = 1"),
        ("%%capture out\nx = 1", "pass  # %%capture out\nx = 1"),
        ("s = '''\n%time\n'''\n!ls", "s = '''\n%time\n'''\npass  # !ls"),
    ],
)
def test_a_cell_as_python_reads_it(cell, python):
    assert source.python(cell) == python
    ast.parse(python)


@given(st.text())
def test_lines_stay_where_they_are(text):
    assert source.python(text).count("\n") == text.count("\n")


def test_what_it_imports():
    text = ("# %%\n# %matplotlib inline\nimport pandas as pd, os.path\nfrom a.b import c\n"
            "from . import d\nif 1:\n    import late\n# %%\nbroken (\n# %%\nimport e")  # fmt: skip
    assert source.imports(source.read(text, ".py")) == {
        "pandas", "os.path", "a.b", "e", "matplotlib.pyplot"
    }  # fmt: skip
    assert source.imports(source.read(R, ".R")) == set()


def test_tags_may_be_one_text():
    text = ipynb({"cell_type": "code", "source": "1", "metadata": {"tags": "a, parameters"}})
    assert source.parameters(source.read(text, ".ipynb")) == "1"
