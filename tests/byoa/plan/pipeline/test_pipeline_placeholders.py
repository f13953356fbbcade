"""Texts with {{…}} that are more than a name: Jinja's words, and what they may end in."""

from __future__ import annotations

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.placeholders import fill, fill_point


def test_what_is_more_than_a_name_is_jinjas():
    assert fill("{{name | upper}}.csv", {"name": "a"}.__getitem__) == "A.csv"
    assert fill_point("[[n + 1]]", {"n": 1}) == "2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ 1 / 0 }}", "ends in a ZeroDivisionError: division by zero."),
        ("{{ range(10000000) | list }}", "ends in a OverflowError: Range too big"),
        ("{{ 'a' * 100000000000000 }}", "ends in a MemoryError: it has no value."),
        ("{{ 1 + 'a' }}", "ends in a TypeError: unsupported operand"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 + }}", "is no template"),
    ],
)
def test_a_text_that_has_no_value_is_told(text: str, said: str):
    with pytest.raises(UsageError) as caught:
        fill(text, dict[str, object]().__getitem__)
    assert said in str(caught.value) and text in str(caught.value)
