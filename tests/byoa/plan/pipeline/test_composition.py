"""Graphs as series and sides: nothing too early, and nothing later than it has to be."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.composition import Part, Series, Sides, composed, names_of

IRIS = {
    "get": (), "sepal": ("get",), "petal": ("get",), "features": ("get", "sepal", "petal"),
    **{f"fit-{number}": ("features",) for number in range(3)},
}  # fmt: skip


def shown(part: Part) -> str:
    """a > (b | c)"""
    if isinstance(part, str):
        return part
    sign = " > " if isinstance(part, Series) else " | "
    return "(" + sign.join(map(shown, part.parts)) + ")"


@pytest.mark.parametrize(
    ("needs", "form", "delayed"),
    [
        ({"a": ()}, "a", ()),
        ({"a": (), "b": ()}, "(a | b)", ()),
        ({"a": (), "b": ("a",), "c": ("b",)}, "(a > b > c)", ()),
        (IRIS, "(get > (sepal | petal) > features > (fit-0 | fit-1 | fit-2))", ()),
        # two chains of their own, joined at the end
        (
            {"a": (), "b": (), "c": ("a",), "d": ("b",), "e": ("c", "d")},
            "(((a > c) | (b > d)) > e)",
            (),
        ),
        # a chained grid between a beginning and an end
        (
            {"x": (), "a1": ("x",), "a2": ("x",), "b1": ("a1",), "b2": ("a2",), "y": ("b1", "b2")},
            "(x > ((a1 > b1) | (a2 > b2)) > y)",
            (),
        ),
        # what is needed by one far below as well is no more than said
        ({"a": (), "b": ("a",), "c": ("a", "b")}, "(a > b > c)", ()),
        # no form without a barrier: c has to wait for b
        ({"a": (), "b": (), "c": ("a",), "d": ("a", "b")}, "((a | b) > (c | d))", ("c",)),
    ],
)
def test_the_form_of_a_graph(needs: Mapping[str, tuple[str, ...]], form: str, delayed: object):
    found = composed(needs)
    assert (shown(found.part), found.delayed) == (form, delayed)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    size = draw(st.integers(1, 12))
    return {
        str(number): [
            str(one) for one in draw(st.sets(st.integers(0, number - 1), max_size=3))
        ] if number else []
        for number in range(size)
    }  # fmt: skip


@given(graphs())
def test_nothing_begins_before_what_it_needs(needs: dict[str, list[str]]):
    part = composed(needs).part
    assert sorted(names_of(part)) == sorted(needs)
    assert walk(part, set(), needs) == set(needs)


def walk(part: Part, done: set[str], needs: Mapping[str, list[str]]) -> set[str]:
    """What is done when a part is; a side sees only what was done before all sides."""
    if isinstance(part, str):
        assert done.issuperset(needs[part])
        return done | {part}
    if isinstance(part, Series):
        for one in part.parts:
            assert not isinstance(one, Series)
            done = walk(one, done, needs)
        return done
    return set().union(*(walk(one, done, needs) for one in part.parts))


@st.composite
def forms(draw: st.DrawFn, depth: int = 3) -> Part:
    """Series and sides of their own, not yet names."""
    kind = draw(st.sampled_from(["task", "series", "sides"])) if depth else "task"
    if kind == "task":
        return ""
    parts = tuple(draw(forms(depth - 1)) for _ in range(draw(st.integers(2, 3))))
    return Series(parts) if kind == "series" else Sides(parts)


@given(forms())
def test_what_has_a_form_is_held_back_by_nothing(form: Part):
    needs: dict[str, list[str]] = {}

    def build(part: Part, before: list[str]) -> list[str]:
        """The last tasks of a part that begins after some."""
        if isinstance(part, str):
            name = str(len(needs))
            needs[name] = before
            return [name]
        if isinstance(part, Series):
            for one in part.parts:
                before = build(one, before)
            return before
        return [name for one in part.parts for name in build(one, before)]

    build(form, [])
    assert composed(needs).delayed == ()


def test_thousands_of_tasks_take_no_time():
    began = time.process_time()
    grid = {"x": (), **{f"fit-{n}": ("x",) for n in range(3000)}}
    whole = {**grid, "y": tuple(grid)}
    assert shown(composed(whole).part).startswith("(x > (fit-0 | fit-1 |")
    chain = {str(n): (str(n - 1),) if n else () for n in range(3000)}
    assert isinstance(composed(chain).part, Series)
    ladder = {
        f"{side}{n}": (f"a{n - 1}", *([f"b{n - 1}"] if side == "b" else [])) if n else ()
        for n in range(500)
        for side in "ab"
    }
    assert len(composed(ladder).delayed) > 400
    assert time.process_time() - began < 8
