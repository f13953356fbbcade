"""Names of a grid's points: from their values alone, and none twice."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.grid import points
from byoa.plan.pipeline.names import canonical, family_of, rendered, shown, suffix, with_suffix

VALUE = st.one_of(
    st.integers(-9, 9), st.floats(allow_nan=False), st.booleans(), st.none(), st.text(max_size=6)
)
GRID = st.dictionaries(
    st.sampled_from("abc"), st.lists(VALUE, min_size=1, max_size=4), min_size=1, max_size=3
)


def names(grid: Any, template: str = "fit") -> dict[str, str]:
    """{point: name}."""
    found = points(grid, {})
    values, axes = [point.values for point in found], [point.axes for point in found]
    made = rendered(template, values, axes, False)
    return {canonical(dict(one)): name for one, name in zip(values, made, strict=True)}


@given(grid=GRID, key=st.sampled_from("abc"), value=VALUE, place=st.integers(0, 4))
def test_a_value_more_renames_nothing(grid: Any, key: str, value: Any, place: int):
    """Whatever is added, wherever: what was there has the name that it had."""
    if key not in grid:
        return
    more = {**grid, key: [*grid[key][:place], value, *grid[key][place:]]}
    before, after = names(grid), names(more)
    assert {point: after[point] for point in before} == before


@given(grid=GRID)
def test_points_that_differ_have_names_that_differ(grid: Any):
    """But for values that read the same: 1 and "1", which are told apart where they collide."""
    read = {key: {str(one): one for one in values} for key, values in grid.items()}
    found = names({key: list(values.values()) for key, values in read.items()})
    parts = {tuple(map(str, key)) for key in found}
    if all("-" not in text and text for values in read.values() for text in values):
        assert len(set(found.values())) == len(parts)


def test_values_as_words():
    assert [shown(one) for one in (1, 0.1, True, None, "gini", "a.b=c")] == [
        "1", "0.1", "True", "None", "gini", "a.b=c",
    ]  # fmt: skip
    assert shown(date(2020, 1, 2)) == "2020-01-02"
    assert shown(canonical) == "byoa.plan.pipeline.names.canonical"
    assert shown(object()) == shown(object())  # no address: the next process has another
    assert canonical([canonical, {"b", "a"}]) == canonical([canonical, {"a", "b"}])
    odd = [shown(one) for one in ("a/b", "a b", [1, 2], {"a": 1}, "é", "x" * 99, "../..")]
    assert len(set(odd)) == len(odd)
    assert all(len(one) <= 48 and "/" not in one and " " not in one for one in odd)
    assert shown("a/b") == "a-b-" + shown("a/b")[-8:] == shown("a/b")


def test_points_are_once_but_objects_are_their_own():
    assert len(points({"a": [1, 1, "1"]}, {})) == 2
    assert len(points([{"a": [1]}, {"a": [2, 1]}], {})) == 2
    assert len(points({"a": [object(), object()]}, {})) == 2


def test_long_suffixes_are_cut_and_hashed():
    point = {f"k{n}": "v" * 40 for n in range(5)}
    short = suffix(point, list(point))
    assert len(short) < 50
    assert short != suffix({**point, "k4": "w"}, list(point))


def test_suffixes_go_before_endings():
    made = {
        "m.tar.gz": "m-1.tar.gz",
        "a.b/m": "a.b/m-1",
        "m.": "m-1.",
        "d/.hidden": "d/.hidden-1",
        "v1.2.csv": "v1.2-1.csv",
    }
    assert {path: with_suffix(path, "1", True) for path in made} == made
    assert [with_suffix(name, "1", False) for name in ("fit", "fit-", "fit_")] == [
        "fit-1", "fit-1", "fit_1",
    ]  # fmt: skip


def test_families():
    made = {
        "fit-[[a]]-[[b]]": "fit",
        "[[a]]-fit": "fit",
        "[[a]]": "script",
        "fit": "fit",
        "fit-": "fit",
        "[[a | upper]]": "script",
    }
    assert {name: family_of(name, "script") for name in made} == made
