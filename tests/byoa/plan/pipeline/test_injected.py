from __future__ import annotations

import datetime
import math
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import injected
from byoa.plan.pipeline.notebook_source import read

VALUES = {
    "text": 'a"b\\\n$x',
    "number": 1.5,
    "yes": True,
    "none": None,
    "list": [1, "two"],
    "map": {"a": {"b": 1}},
    "day": datetime.date(2026, 1, 2),
}


def test_python_as_papermill_writes_it():
    assert injected.source(VALUES) == (
        "# Parameters\n"
        'text = "a\\"b\\\\\\n$x"\n'
        "number = 1.5\n"
        "yes = True\n"
        "none = None\n"
        'list = [1, "two"]\n'
        'map = {"a": {"b": 1}}\n'
        'day = "2026-01-02"'
    )


@pytest.mark.parametrize(
    "language, lines",
    [
        ("r", ["yes = TRUE", "none = NULL", 'map = list("a" = list("b" = 1))']),
        ("julia", ["yes = true", "none = nothing", 'text = "a\\"b\\\\\\n\\$x"',
                   'map = Dict("a" => Dict("b" => 1))']),
    ],
)  # fmt: skip
def test_other_languages(language, lines):
    assert set(lines) <= set(injected.source(VALUES, language).split("\n"))


def test_bash_reads_what_was_written():
    values = {"text": "a'b $x\n", "list": [1, "t w"], "map": {"a b": "c d", "e": 2}, "none": None}
    script = injected.source(values, "bash") + (
        '\nprintf "%s|" "$text" "${list[1]}" "${map[a b]}" "${map[e]}" "$none"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "a'b $x\n|t w|c d|2||"
    with pytest.raises(ByoaError, match=r"'x' .* no values inside of values"):
        injected.source({"x": {"a": [1]}}, "bash")
    nested = injected.source({"upstream": {"a": {"data": "x", "nb": "y"}}}, "bash")
    assert nested.endswith("declare -A upstream=([a.data]=x [a.nb]=y)")


def test_r_has_no_names_that_begin_with_an_underscore():
    assert injected.source({"_a": 1}, "r").endswith("\na = 1")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_python_reads_back_what_was_written(value):
    namespace: dict[str, object] = {}
    exec(injected.source({"x": value}), namespace)  # noqa: S102 that is what is tested
    assert namespace["x"] == value or repr(namespace["x"]) == repr(value)


def test_sequences_of_other_kinds_are_lists():
    namespace: dict[str, object] = {}
    exec(injected.source({"x": (1, 2), "y": {"b", "a"}, "z": math.inf}), namespace)  # noqa: S102
    assert (namespace["x"], namespace["y"], namespace["z"]) == ([1, 2], ["a", "b"], math.inf)


def test_what_has_no_text_is_told():
    with pytest.raises(ByoaError, match=r"Parameter 'x' .* a object has no text"):
        injected.source({"x": object()})
    nested: list[object] = []
    nested.append(nested)
    with pytest.raises(ByoaError, match="deeper"):
        injected.source({"x": nested})
    with pytest.raises(ByoaError, match=r"haskell.*python"):
        injected.source({"x": 1}, "haskell")


@pytest.mark.parametrize(
    "text, at",
    [
        ("# %%\na\n# %% tags=['parameters']\nx = 0\n# %%\nb", 2),
        ("# %% [markdown]\n# a\n# %%\nb", 0),
    ],
)
def test_where_the_cell_goes(text, at):
    notebook = read(text, ".py")
    whole = injected.into(notebook, {"x": 1})
    assert len(whole.cells) == len(notebook.cells) + 1
    assert whole.cells[at].source == "# Parameters\nx = 1"
    assert whole.cells[at].tags == ("injected-parameters",)
    assert injected.into(notebook, {}) is notebook
