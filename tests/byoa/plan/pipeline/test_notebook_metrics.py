from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.notebook_metrics import literal, of


def cell(text, *tags, kind="execute_result"):
    output = (
        {"output_type": "stream", "name": "stdout", "text": text}
        if kind == "stream"
        else {"output_type": kind, "data": {"text/plain": text}}
    )
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "outputs": [output]}


@pytest.mark.parametrize(
    "made, metrics",
    [
        (cell("0.96", "accuracy"), {"accuracy": 0.96}),
        (cell("np.float64(0.96)", "accuracy"), {"accuracy": 0.96}),
        (cell("tensor(0.96, dtype=torch.float64)", "accuracy"), {"accuracy": 0.96}),
        (cell(["3", ""], "n"), {"n": 3.0}),
        (cell("{'a': np.float32(1.5), 'b': 2, 'c': 'x'}", "m"), {"m.a": 1.5, "m.b": 2.0}),
        (cell("epoch 1\n97.5%\n", "accuracy", kind="stream"), {"accuracy": 0.975}),
        (cell("0.5", "a", "b"), {"a": 0.5, "b": 0.5}),
        (cell("0.5"), {}),
        (cell("0.5", "parameters"), {}),
        (cell("0.5", "raises-exception"), {}),
        (cell("0.5", "hide-input"), {}),
        (cell("<Figure>", "plot"), {}),
        (cell("True", "flag"), {}),
        (cell("nan", "bad"), {}),
        (cell("1" + "0" * 400, "huge"), {}),
        ({"cell_type": "code", "metadata": {"tags": ["x"]}, "outputs": []}, {}),
        ({"cell_type": "markdown", "metadata": {"tags": ["x"]}}, {}),
    ],
)
def test_a_tagged_cells_last_output_is_a_metric(made, metrics):
    assert of({"cells": [made]}) == metrics


def test_a_later_cell_wins():
    assert of({"cells": [cell("1", "loss"), cell("0.5", "loss")]}) == {"loss": 0.5}


@given(st.text(max_size=40))
def test_no_output_is_too_strange(text):
    literal(text)
