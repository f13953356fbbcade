"""Problems are told together, in one line that fits the failure reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import DataError, InputError
from problems import Problems


def test_no_problem_raises_nothing() -> None:
    problems = Problems("training")
    problems.raise_if_any()
    assert not problems


def test_one_problem() -> None:
    problems = Problems("training")
    problems.add("it is empty", "fill it")
    with pytest.raises(DataError, match=r"^channel training: it is empty - fill it$"):
        problems.raise_if_any()
    assert issubclass(DataError, InputError)


def test_a_few_are_named_and_the_rest_counted() -> None:
    problems = Problems("training")
    for number in range(1000):
        problems.add("broken pictures", "replace them", f"{number}.jpg")
    assert problems.sentence() == (
        "channel training: broken pictures: 0.jpg, 1.jpg, 2.jpg and 997 more - replace them"
    )


def test_kinds_are_numbered_and_at_most_four_told() -> None:
    problems = Problems("training")
    for number in range(6):
        problems.add(f"kind {number}", "act")
    assert problems.sentence() == (
        "channel training: 6 problems: kind 0 - act; kind 1 - act; kind 2 - act; kind 3 - act; "
        "and 2 more kinds of problems"
    )


@given(st.lists(st.text(max_size=300), max_size=8))
def test_names_are_printable_and_short(names: list[str]) -> None:
    problems = Problems("training")
    for name in names:
        problems.add("odd names", "rename", name)
    assert problems.sentence().isprintable()
    assert len(problems.sentence()) < 600
