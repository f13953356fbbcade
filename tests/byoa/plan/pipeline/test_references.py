"""Which other templates a template names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.references import RUNTIME, references


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT 1", []),
        ("{{product}} {% if x %}{% endif %} import from include", []),
        ('{% import "a.sql" as a %}{%- from "b/c.sql" import d %}', ["a.sql", "b/c.sql"]),
        ("{% include ['x', 'y'] %} {% extends 'z' %}", ["x", "y", "z"]),
        ("{% include which %}", ["*"]),
        ("{% raise 'no' %}{% include 'x' %}", ["x"]),
        ("{% include %}", []),
        ("{# {% include 'x' %} #}", []),
    ],
)
def test_references(text, names):
    assert references(text) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[[upstream['x']]]", ["[[upstream['x']]]"]),
        ("[[ get_key(upstream['x'], 'k') ]] b", ["[[ get_key(upstream['x'], 'k') ]]"]),
        ("ARRAY[[1,2],[3]]", []),
        ("[[1]], upstream", []),
        ("[[1]] [[upstream.a]]", ["[[upstream.a]]"]),
    ],
)
def test_what_ploomber_fills_in_at_run_time(text, found):
    assert RUNTIME.findall(text) == found


@given(st.text("{}%[]' \nimportincludeupstream", max_size=60))
def test_any_text_is_read(text):
    references(text)
    RUNTIME.findall(text)
