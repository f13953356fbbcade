"""Functions as tasks: what they are called with, serializers, errors that say what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.pipeline.model import SINGLE, Dotted, Source
from tests.byoa.pipeline.made import Project, became, error

CODE = """
    import json
    from pathlib import Path

    def plain(product): Path(str(product)).write_text("1")
    def unasked(product, upstream): product.write_text(repr(dict(upstream)))
    def params(product, a, b=2, **more): product.write_text(json.dumps([a, b, more]))
    def resources(product, resources_): product.write_text(Path(resources_["words"]).read_text())
    def several(product):
        for one in product: one.write_text(one.name)
    def reads(product, upstream):
        product.write_text(upstream["several"]["a"].read_text() + upstream["plain"].read_text())
    def returns(n): return {"n": n}
    def returns_none(): pass
    def adds(upstream): return {"sum": sum(one["n"] for one in upstream["r-*"].values())}
    def first(upstream): return upstream["r-1"]

    def dump(value, product, indent=None): Path(product).write_text(json.dumps(value, indent=indent))
    def load(product): return json.loads(Path(product).read_text())
"""  # noqa: E501


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, CODE)


def test_what_functions_are_given(project: Project):
    (project.root / "words.txt").write_text("words")
    project.task("plain")
    project.task("unasked")
    project.task("params", params={"a": [1], "c": None})
    project.task("resources", resources={"words": "words.txt"})
    project.task("several", makes={"a": "out/a", "b": "out/deep/b"})
    project.task("reads", needs=["several", "plain"])
    assert set(became(project.build()).values()) == {"done"}
    assert project.made("unasked") == "{}"
    assert project.made("params") == '[[1], 2, {"c": null}]'
    assert project.made("resources") == "words"
    assert project.made("deep/b") == "b" and project.made("reads") == "a1"


def test_serializers_write_what_is_returned_and_read_what_is_needed(project: Project):
    dump, load = Dotted("steps.dump"), Dotted("steps.load")
    for number in (1, 2):
        project.task(f"r-{number}", "returns", params={"n": number}, serializer=dump)
    project.task("adds", upstream={"r-*": ("r-1", "r-2")}, serializer=dump, unserializer=load)
    indented = Dotted("steps.dump", {"indent": 1})
    project.task("first", needs=["r-1"], serializer=indented, unserializer=load)
    assert set(became(project.build()).values()) == {"done"}
    assert project.made("adds") == '{"sum": 3}' and project.made("first") == '{\n "n": 1\n}'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"does": "returns_none", "serializer": Dotted("steps.dump")},
            "returned None; a task with",
        ),
        ({"does": "params"}, "missing 1 required positional argument: 'a'"),
        ({"does": "plain", "params": {"x": 1}}, "got an unexpected keyword argument 'x'"),
        ({"source": Source(dotted="steps.none")}, "steps.py has no 'none'"),
        ({"source": Source(dotted="nowhere.f")}, "There is no module 'nowhere' for 'nowhere.f'"),
        ({"source": Source(dotted="broken.f")}, "No module named 'not_there'"),
    ],
)
def test_errors_say_whose_they_are(project: Project, words: dict[str, Any], said: str):
    project.write("import not_there", "broken.py")
    project.task("t", **words)
    assert said in error(project.build(), "t")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("async def later(product): product.write_text('1')", "later of task 'later' is async"),
        ("def later(product): yield product.write_text('1')", "is a generator: a call of it runs"),
    ],
)
def test_what_a_call_does_not_run_is_told(project: Project, code: str, said: str):
    project.write(code)
    project.task("later")
    assert said in error(project.build(), "later")


def test_a_function_made_by_a_partial_or_a_class_is_called(project: Project):
    project.write("""
        from functools import partial
        def write(text, product): product.write_text(text)
        hello = partial(write, "hello")
        class Writes:
            def __call__(self, product): product.write_text("called")
        writes = Writes()
    """)
    project.task("hello")
    project.task("writes")
    assert set(became(project.build()).values()) == {"done"}
    assert (project.made("hello"), project.made("writes")) == ("hello", "called")


def test_the_single_product_may_be_a_folder(project: Project):
    project.write("""
        def folder(product):
            product.mkdir()
            (product / "a").write_text("1")
    """)
    project.task("folder", makes={SINGLE: "out/folder"})
    project.build()
    assert project.made("folder/a") == "1"


def test_a_function_that_makes_nothing_is_given_no_product(project: Project):
    project.write("def look(word): print(word)\ndef old(product): print(len(product))")
    project.task("look", params={"word": "x"})
    project.task("old")
    project.tasks = {name: replace(task, products={}) for name, task in project.tasks.items()}
    assert set(became(project.build()).values()) == {"done"}
    assert set(became(project.build()).values()) == {"kept"}
