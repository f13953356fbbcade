"""Every comparison of a Choice: as it is written, and that both languages decide alike."""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.expressions import JSONATA, JSONPATH
from byoa.plan.workflow.placeholders import StepInput, variable
from byoa.plan.workflow.rules import Condition, Rule
from tests.byoa.plan.workflow.evaluated import holds

#: The language's own list; https://states-language.net/spec.html#choice-state
COMPARISONS = [
    f"{kind}{word}{path}"
    for kind, word, path in product(
        ("String", "Numeric", "Timestamp"),
        ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"),
        ("", "Path"),
    )
] + ["BooleanEquals", "BooleanEqualsPath", "StringMatches"]
TESTS = ["IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"]
VALUES = {"String": "b", "Numeric": 2.5, "Timestamp": "2026-01-31T12:00:00Z", "Boolean": True}
#: What the compared value may be.
FOUND = [
    *("a", "b", "c", 2, 2.5, 3, True, False, None, [1], {"x": 1}, "2026-01-31T11:59:59.5Z"),
    *("2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2027-01-31T12:00:00Z", ""),
]


def made(name, variable="$.x", value=None):
    family = next((one for one in VALUES if name.startswith(one)), "")
    default = "$.y" if name.endswith("Path") else VALUES.get(family, True)
    return getattr(ChoiceRule, name)(variable=variable, value=default if value is None else value)


def test_there_are_all_39():
    assert len(COMPARISONS + TESTS) == 39
    known = {name for name in vars(ChoiceRule) if not name.startswith("_")}
    assert known == {*COMPARISONS, *TESTS, "And", "Or", "Not"}


@pytest.mark.parametrize("name", COMPARISONS + TESTS)
def test_each_is_written_as_it_is_called(name):
    rule = made(name)
    assert rule.to_dict() == {"Variable": "$.x", name: rule.value}


@pytest.mark.parametrize("name", COMPARISONS + TESTS)
@pytest.mark.parametrize("found", FOUND, ids=repr)
def test_both_languages_decide_alike(name, found):
    x = StepInput()
    value = x["y"] if name.endswith("Path") else None
    rule = made(name, x["x"], value)
    inputs = [found] if not name.endswith("Path") else [found, "b", 2.5, VALUES["Timestamp"], True]
    for other in inputs:
        here = {"x": found, "y": other}
        assert holds(rule, here, JSONPATH) == holds(rule, here, JSONATA), (
            here,
            rule.to_dict(JSONATA),
        )


def test_is_present_and_its_contrary():
    x = StepInput()["x"]
    for given_, wanted in product([{"x": None}, {}], [True, False]):
        rule = ChoiceRule.IsPresent(variable=x, value=wanted)
        there = ("x" in given_) == wanted
        assert holds(rule, given_, JSONPATH) is there
        assert holds(rule, given_, JSONATA) is there


pieces = st.sampled_from(["\\*", "\\\\", *"ab*/.$[]^-\n😀§"])
patterns = st.lists(pieces, max_size=6).map("".join)


@given(patterns, st.text(alphabet="ab*\\/.$[]^-\n😀§", max_size=6))
def test_any_pattern_matches_alike(pattern, text):
    rule = ChoiceRule.StringMatches(variable=StepInput()["x"], value=pattern)
    assert holds(rule, {"x": text}, JSONPATH) == holds(rule, {"x": text}, JSONATA)


def test_rules_of_rules():
    x = StepInput()["x"]
    low = ChoiceRule.NumericGreaterThanEquals(variable=x, value=1)
    high = ChoiceRule.NumericLessThan(variable=x, value=3)
    three = ChoiceRule.NumericEquals(variable="$.x", value=3)
    both = ChoiceRule.And([low, high])
    assert ChoiceRule.Or([ChoiceRule.Not(both), three]).to_dict() == {
        "Or": [
            {
                "Not": {
                    "And": [
                        {"Variable": "$['x']", "NumericGreaterThanEquals": 1},
                        {"Variable": "$['x']", "NumericLessThan": 3},
                    ]
                }
            },
            {"Variable": "$.x", "NumericEquals": 3},
        ]
    }
    for number in range(5):
        for rule in (both, ChoiceRule.Not(both), ChoiceRule.Or([ChoiceRule.Not(low), high])):
            assert holds(rule, {"x": number}, JSONPATH) == holds(rule, {"x": number}, JSONATA)


def test_a_placeholder_makes_the_path_twin():
    rule = ChoiceRule.NumericGreaterThan(
        variable=StepInput()["new"], value=variable("best")["loss"]
    )
    assert rule.to_dict() == {"Variable": "$['new']", "NumericGreaterThanPath": "$best['loss']"}
    assert holds(rule, {"new": 0.6}, JSONPATH) and holds(rule, {"new": 0.6}, JSONATA)
    assert not holds(rule, {"new": 0.4}, JSONPATH) and not holds(rule, {"new": 0.4}, JSONATA)


def test_conditions_stay_to_the_letter():
    assert Condition("{%$states.input.x > 1%}").to_dict(JSONATA) == {
        "Condition": "{%$states.input.x > 1%}"
    }
    assert Condition(True).to_dict(JSONATA) == {"Condition": True}
    assert Condition("$states.input.x > 1").to_dict(JSONATA) == {
        "Condition": "{% $states.input.x > 1 %}"
    }
    assert Condition(f"{StepInput()['x']} > 1").to_dict(JSONATA) == {
        "Condition": "{% $states.input.x > 1 %}"
    }
    with pytest.raises(UsageError, match="is JSONata's - give its Choice query_language='JSONata'"):
        Condition("$x > 1").to_dict(JSONPATH)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ChoiceRule.StringEquals(variable="x", value="y"), "'x', which is no path"),
        (
            lambda: ChoiceRule.StringEquals(variable="$.x", value=3),
            "compares with 3 - give it text",
        ),
        (lambda: ChoiceRule.NumericEquals(variable="$.x", value="3"), "give it a number"),
        (lambda: ChoiceRule.NumericEquals(variable="$.x", value=True), "True - give it a number"),
        (lambda: ChoiceRule.BooleanEquals(variable="$.x", value=1), "give it True or False"),
        (lambda: ChoiceRule.IsNull(variable="$.x", value="yes"), "give it True or False"),
        (lambda: ChoiceRule.StringEqualsPath(variable="$.x", value="y"), "give it a path"),
        (lambda: ChoiceRule.And([]), "give it a list of rules"),
        (lambda: ChoiceRule.Not(cast("Any", "x")), "give it a rule of ChoiceRule"),
        (lambda: Rule("$.x", "StringEquals", "y").to_dict(JSONATA), "JSONata cannot read"),
    ],
)
def test_what_cannot_be_is_said(make, said):
    with pytest.raises(UsageError, match=said):
        make()
