"""An execution's input against its schema: a sentence for each thing that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow.placeholders import ExecutionInput
from byoa.plan.workflow.schema import NAMES, problems_of, schema_as_text, schema_from_text

SCHEMA = {
    "JobName": str,
    "Epochs": int,
    "Rate": float,
    "Spot": bool,
    "Data": {"Bucket": str, "Keys": [str]},
    "Tags": dict,
    "Rest": list,
}
RIGHT = {
    "JobName": "a",
    "Epochs": 3,
    "Rate": 1,
    "Spot": False,
    "Data": {"Bucket": "b", "Keys": ["x", "y"]},
    "Tags": {"any": 1},
    "Rest": [1],
}


def sentences(value):
    return ExecutionInput(schema=SCHEMA).problems(value)


def test_a_right_input_has_no_problem():
    assert sentences(RIGHT) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"Epochs": "three"},
            'the input Epochs is "three", but the workflow takes a whole number there - write one',
        ),
        (
            {"Epochs": True},
            "the input Epochs is true, but the workflow takes a whole number there - write one",
        ),
        (
            {"Epochs": 2.5},
            "the input Epochs is 2.5, but the workflow takes a whole number there - write one",
        ),
        ({"Rate": "1"}, 'the input Rate is "1", but the workflow takes a number there - write one'),
        (
            {"Spot": 1},
            "the input Spot is 1, but the workflow takes true or false there - write one",
        ),
        (
            {"JobName": None},
            "the input JobName is null, but the workflow takes text there - write one",
        ),
        (
            {"Data": "s3"},
            'the input Data is "s3", but the workflow takes an object there - write one',
        ),
        (
            {"Data": {"Bucket": "b", "Keys": ["x", 2]}},
            "the input Data.Keys[1] is 2, but the workflow takes text there - write one",
        ),
        (
            {"Data": {"Bucket": "b", "Keys": "x"}},
            'the input Data.Keys is "x", but the workflow takes a list there - write one',
        ),
        ({"Data": {"Keys": []}}, "the input has no Data.Bucket - give text"),
        ({"Jobname": "a"}, "the workflow takes no input Jobname - did you mean JobName?"),
        (
            {"Zzz": "a"},
            "the workflow takes no input Zzz - it knows JobName, Epochs, Rate, Spot, Data, Tags, "
            "Rest",
        ),
    ],
)
def test_what_is_wrong_is_said(change, sentence):
    assert sentences(RIGHT | change) == [sentence]


def test_a_long_value_is_shortened():
    (said,) = sentences(RIGHT | {"Epochs": "x" * 500})
    assert len(said) < 200 and '"xxx' in said and "..." in said


def test_everything_is_said_at_once():
    assert len(sentences({})) == len(SCHEMA) + 1
    assert "the input has no Data.Keys - give a list" in sentences({})
    assert sentences("text") == [
        'the input is "text", but the workflow takes an object there - write one'
    ]


OPTIONAL = {
    "Data": str,
    "Image?": str,
    "More?": {"Epochs": int, "Rate?": float},
    "Deep": {"A?": int},
}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"Data": "d", "Deep": {}}, []),
        ({"Data": "d", "Image": "i", "More": {"Epochs": 1}, "Deep": {"A": 1}}, []),
        (
            {"Data": "d", "Image": 1, "Deep": {}},
            ["the input Image is 1, but the workflow takes text there - write one"],
        ),
        (
            {"Data": "d", "More": {}, "Deep": {}},
            ["the input has no More.Epochs - give a whole number"],
        ),
        (
            {"Data": "d", "Imag": "i", "Deep": {}},
            ["the workflow takes no input Imag - did you mean Image?"],
        ),
        ({}, ["the input has no Data - give text", "the input has no Deep - give an object"]),
    ],
)
def test_what_may_be_missing(value, said):
    inputs = ExecutionInput(schema=OPTIONAL)
    assert inputs.problems(value) == said
    assert inputs["More"]["Rate"].jsonpath() == "$$.Execution.Input['More']['Rate']"
    assert inputs.get_schema_as_dict() == OPTIONAL
    again = ExecutionInput.from_schema_json(inputs.get_schema_as_json())
    assert again.get_schema_as_dict() == OPTIONAL
    with pytest.raises(UsageError, match=r"has no 'Image\?' below"):
        inputs["Image?"]


kinds = st.recursive(
    st.sampled_from(list(NAMES.values())),
    lambda below: (
        st.dictionaries(st.text(max_size=5), below, max_size=3) | below.map(lambda one: [one])
    ),
    max_leaves=6,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), kinds, max_size=4), anything)
def test_any_schema_is_written_and_read_and_judges_any_value(schema, value):
    assert schema_from_text(schema_as_text(schema)) == schema
    assert all(isinstance(one.sentence, str) for one in problems_of(value, schema, closed=True))


@pytest.mark.parametrize(
    "text", ["nonsense", "[1]", '"str"', '{"a": "string"}', '{"a": ["str", "int"]}']
)
def test_what_is_no_schema_is_refused(text):
    with pytest.raises(UsageError, match="the schema"):
        schema_from_text(text)
