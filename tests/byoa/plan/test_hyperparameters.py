"""The check beforehand against the algorithm's own parser: the same yes and the same no."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperparameters as algorithm
from byoa.plan.hyperparameters import LABEL, check, schema_of
from errors import HyperparameterError

SCHEMA = json.loads(json.dumps(algorithm.schema()))
NAMES = [entry["name"] for entry in SCHEMA["hyperparameters"]]
NUMBERS = st.integers(-5, 10).map(str) | st.floats(-2, 2).map(str) | st.sampled_from(
    ["1e3", "1e-05", "1_000", " 3 ", "3.0", "+2", "nan", "inf", "-inf", "1e999", "0x10",
     "99999999999999999999",
     "0.1", "1.5", "100000", "100001", "2147483647", "2147483648", "0", "-0.0", "९"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["true", "True", "FALSE", "on", "off", "1.0", "0.0", "yes", "no", "None", "null", "auto",
     "default", "", "sgd", "ADAMW", '"adamw"', "'coco'", "coco", "none", "flip", "fp32", "step",
     '"none"', "'None'", '"', "''"]
)  # fmt: skip
LISTS = st.sampled_from(
    ["6,8", "[6, 8]", "6 8", "(6;8)", '["6", "8"]', "6,x", "[]", "6,,8", "0,3", "[[1]]"]
)
VALUES = NUMBERS | WORDS | LISTS | st.text(max_size=6)


def accepted_by_algorithm(values: dict[str, str]) -> str:
    """What the algorithm says; empty when it takes the values."""
    argv = [f"--{name}={value}" for name, value in values.items()]
    try:
        algorithm.parse(argv)
    except HyperparameterError as error:
        return str(error)
    return ""


@given(st.sampled_from(NAMES), VALUES)
def test_a_value_is_right_here_when_it_is_right_there(name: str, value: str):
    said = accepted_by_algorithm({name: value})
    if "must be at least min_size" in said:
        return  # between two values: no schema says that, the algorithm does
    assert (check(SCHEMA, {name: value}) == []) is (said == ""), said


@pytest.mark.parametrize("name", NAMES)
def test_every_default_and_both_ends_of_every_range_are_right(name: str):
    (entry,) = [entry for entry in SCHEMA["hyperparameters"] if entry["name"] == name]
    given_values = [entry["default"], *entry.get("choices", ())]
    if not entry.get("above"):
        given_values.append(entry.get("minimum", entry["default"]))
    given_values.append(entry.get("maximum", entry["default"]))
    for value in given_values:
        assert check(SCHEMA, {name: str(value)}) == []
    for end, step in (("minimum", -1), ("maximum", 1)):
        if entry["kind"] in ("integer", "number"):
            assert check(SCHEMA, {name: str(entry[end] + step)}) != []


@given(st.from_regex(r"[a-z_][a-z_0-9-]{0,15}", fullmatch=True))
def test_unknown_names_are_told_on_both_sides(name: str):
    said = accepted_by_algorithm({name: "1"})
    here = check(SCHEMA, {name: "1"})
    assert bool(here and "there is no" in here[0]) is ("there is no hyperparameter" in said)


def test_names_that_sagemaker_adds_pass():
    names = ["sagemaker_program", "sagemaker_region", "_tuning_objective_metric"]
    assert check(SCHEMA, dict.fromkeys(names, "x")) == []
    assert accepted_by_algorithm(dict.fromkeys(names, "x")) == ""


def test_sentences_name_the_value_and_the_way_out():
    assert check(SCHEMA, {"num_epoch": "3", "batch_size": "two", "optimizer": "lion"}) == [
        "there is no hyperparameter 'num_epoch' - did you mean num_epochs?",
        "batch_size is 'two', but it must be a whole number from 1 to 1024",
        "optimizer is 'lion', but it must be one of sgd, adamw",
    ]
    assert check(SCHEMA, {"learning_rate": "0"}) == [
        "learning_rate is '0', but it must be a number above 0 and at most 10"
    ]
    assert "(leave it out for the default)" in check(SCHEMA, {"num_workers": "-1"})[0]


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "3", '{"hyperparameters": 3}', '{"hyperparameters": [{}]}']
)
def test_an_image_without_a_readable_schema_is_not_checked(text: str | None):
    assert schema_of({} if text is None else {LABEL: text}) is None


def test_the_label_of_an_image_is_read():
    assert schema_of({LABEL: json.dumps(SCHEMA)}) == SCHEMA


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=4))
def test_any_schema_of_a_stranger_takes_any_value_or_says_why(values: dict[str, str]):
    entries: list[dict[str, Any]] = [{"name": "x"}, {"name": "y", "kind": "colour"}]
    for sentence in check({"hyperparameters": entries}, values):
        assert " - " in sentence
