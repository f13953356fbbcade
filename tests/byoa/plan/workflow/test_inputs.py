from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow.inputs import (
    LONGEST,
    checked,
    comment_of,
    converted,
    schema_of,
    typed,
    with_schema,
)
from byoa.plan.workflow.schema import schema_as_text

DEFINITION = {"Comment": "Trains faces.", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
SCHEMA = {"JobName": str, "epochs": int, "rate": float, "data": {"train": str, "sizes": [int]}}


def test_the_schema_travels_in_the_comment_and_leaves_the_authors_words():
    made = with_schema(DEFINITION, SCHEMA)
    assert schema_of(json.loads(json.dumps(made))) == SCHEMA
    assert comment_of(made) == "Trains faces."
    assert next(iter(made)) == "Comment"
    assert with_schema(made, {"a": bool})["Comment"].count("byoa:input") == 1
    assert with_schema(made, None) == DEFINITION
    bare = {key: item for key, item in DEFINITION.items() if key != "Comment"}
    assert with_schema(with_schema(bare, SCHEMA), {}) == bare


@pytest.mark.parametrize(
    "comment",
    [
        "byoa:input {not json}",
        'byoa:input {"a": "what"}',
        'said byoa:input {"a": "str"}',
        'byoa:input {"a": "str"}\nmore',
        'byoa:input {"a": 1}',
        7,
        None,
    ],
)
def test_other_peoples_words_are_no_schema(comment: Any):
    assert schema_of({"Comment": comment}) == {}


def test_words_become_what_the_schema_says():
    words = ["JobName=7", "epochs=5", "rate=1e-3", "data.train=s3://b/x", "data.sizes:=[1, 2]"]
    made = typed(SCHEMA, words)
    assert made == {
        "JobName": "7",
        "epochs": 5,
        "rate": 0.001,
        "data": {"train": "s3://b/x", "sizes": [1, 2]},
    }
    assert json.loads(checked(SCHEMA, made)) == made
    assert typed({}, ["a=5", "b:=5", "c.d=x", "e=a=b:=c"]) == {
        "a": "5",
        "b": 5,
        "c.d": "x",
        "e": "a=b:=c",
    }


def test_what_may_be_missing_is_found_by_its_name():
    schema = {"Image?": str, "Deep?": {"Epochs?": int}}
    assert typed(schema, ["Image=7", "Deep.Epochs=7"]) == {"Image": "7", "Deep": {"Epochs": 7}}
    assert typed(schema, []) == {} and checked(schema, {}) == "{}"


def test_a_value_that_does_not_fit_stays_text_and_the_check_tells():
    made = typed(SCHEMA, ["epochs=five", "rate=true"])
    assert made == {"epochs": "five", "rate": "true"}
    with pytest.raises(UsageError) as error:
        checked(SCHEMA, {**made, "jobname": "x", "data": []})
    said = str(error.value)
    for part in ("no JobName", '"five"', '"true"', "jobname", "did you mean JobName", "data is []"):
        assert part in said


@pytest.mark.parametrize("word", ["", "=x", "a", "a:b", ":=1", "a:={", "a:=" + "[" * 10_000])
def test_a_word_that_is_none_is_told(word: str):
    with pytest.raises(UsageError, match="-i"):
        typed({}, [word])


def test_aws_takes_256_kib_of_json():
    assert checked({}, "x" * (LONGEST - 2))
    with pytest.raises(UsageError, match="Put it on S3"):
        checked({}, "x" * (LONGEST - 1))
    with pytest.raises(UsageError, match="JSON"):
        checked({}, float("nan"))
    assert checked({}, [1]) == "[1]"
    with pytest.raises(UsageError, match="an object"):
        checked({"a": str}, [1])


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=8), st.sampled_from([str, int])))
def test_any_comment_keeps_its_words_beside_any_schema(comment: str, schema: dict[str, type]):
    before = {"Comment": comment, "StartAt": "A"}
    if schema_of(before):
        return
    made = with_schema(before, schema)
    assert schema_of(made) == schema
    assert comment_of(made) == comment or not comment
    assert schema_as_text(schema_of(made)) == schema_as_text(schema)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_value_or_a_sentence(word: str):
    for kind in (str, int, float, bool, list, dict, {"a": str}, [int], None):
        converted(kind, word)
    try:
        typed({"a": int, "b": {"c": str}}, [word])
    except UsageError as error:
        assert str(error).startswith("-i ")
