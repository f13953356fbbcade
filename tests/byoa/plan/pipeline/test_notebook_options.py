from __future__ import annotations

import pytest

from byoa.plan.pipeline import notebook_options
from byoa.plan.pipeline.model import Product, Source, Task


def task(products, **options):
    if isinstance(products, str):
        products = {"": products}
    return Task(
        name="a",
        kind="notebook",
        source=Source(path="a.py"),
        products={key: Product(path) for key, path in products.items()},
        options=options,
    )


TWO = {"nb": "a.ipynb", "page": "a.html"}


@pytest.mark.parametrize(
    "made, words",
    [
        (task("a.html"), []),
        (task({"nb": "a.md", "data": "a.csv"}), []),
        (task({"page": "a.html", "data": "a.csv"}, nb_product_key="page"), []),
        (task(TWO, nb_product_key=["nb", "page"], nbconvert_exporter_name={"page": "slides"}), []),
        (task("a.html", executor="ploomber-engine", executor_params={"cwd": "x"}), []),
        (task("a.html", papermill_params={"log_output": True, "execution_timeout": 3}), []),
        (task("a.html", static_analysis="disabled"), []),
        (task("a.out", nbconvert_exporter_name="html"), []),
        (task("a.out"), [".out is no format"]),
        (task("a"), ["a has no suffix"]),
        (task({"page": "a.html"}), ["no key 'nb'"]),
        (task(TWO, nb_product_key=["nb", "x"]), ["no key 'x'"]),
        (task(TWO, nb_product_key=["nb"], nbconvert_exporter_name={"page": "html"}), ["has page"]),
        (task("a.html", static_analysis="on"), ["disable, regular, strict"]),
        (task("a.html", executor="spark"), ["'spark'; it is one of papermill"]),
        (task("a.html", executor_params={"engine_name": "debug"}), ["engine_name is 'debug'"]),
        (task("a.html", executor_params={"x": 1}), ["has x; it may have"]),
        (task("a.html", executor_params=[1]), ["it is a mapping"]),
        (task("a.html", executor_params={"execution_timeout": "1"}), ["number of seconds"]),
        (task("a.html", local_execution=True, executor_params={"cwd": "x"}), ["keep one"]),
        (task("a.html", nbconvert_export_kwargs="x"), ["is a mapping"]),
    ],
)
def test_what_is_wrong_is_told(made, words):
    problems = list(notebook_options.problems(made))
    assert len(problems) == len(words), problems
    assert all(word in problem for word, problem in zip(words, problems, strict=True))


def test_what_they_come_to():
    made = notebook_options.read(
        task(
            TWO,
            nb_product_key=["nb", "page"],
            nbconvert_exporter_name={"page": "slides"},
            nbconvert_export_kwargs={"exclude_input": True},
            static_analysis=False,
            papermill_params={"execution_timeout": 3, "kernel_name": "ir"},
            local_execution=True,
        )
    )
    assert made.outputs == {"nb": "", "page": "slides"}
    assert made.export_kwargs == {"exclude_input": True}
    assert (made.analysis, made.kernel, made.local) == ("disable", "ir", True)
    assert (made.cell_seconds, made.start_seconds) == (3, 60)
