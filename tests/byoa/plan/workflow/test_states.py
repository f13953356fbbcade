"""Every field of every state, in both languages; AWS takes what they make."""

from __future__ import annotations

import json

import pytest

from byoa.plan.workflow.chain import Chain, Graph
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.expressions import JSONATA
from byoa.plan.workflow.expressions import jsonata as expression
from byoa.plan.workflow.states import (
    Choice,
    Fail,
    Pass,
    Task,
    Wait,
)
from tests.byoa.plan.workflow.every_state import FUNCTION, JSONATA_STATES, JSONPATH_STATES, X, alone


@pytest.mark.parametrize(("state", "made"), JSONPATH_STATES)
def test_states_in_jsonpath(state, made):
    assert alone(state) == made


@pytest.mark.parametrize(("state", "made"), JSONATA_STATES)
def test_states_in_jsonata(state, made):
    assert alone(state, JSONATA) == made


def test_one_state_of_a_workflow_in_jsonpath_may_be_in_jsonata():
    one = Pass("a", query_language=JSONATA, output={"x": X["x"]})
    made = Graph(Chain([one, Pass("b", parameters={"y": X["x"]})])).to_dict()
    assert problems(made) == []
    assert made["States"]["a"]["QueryLanguage"] == JSONATA
    assert made["States"]["b"]["Parameters"] == {"y.$": "$['x']"}
    assert "QueryLanguage" not in made


def test_a_choice_with_all_that_it_can_have():
    choice = Choice("a", input_path="$.in", comment="c", assign={"none": True})
    rule = ChoiceRule.NumericLessThan(variable=X["x"], value=3)
    choice.add_choice(rule, Pass("low"), assign={"low": X["x"]}, comment="small")
    choice.add_choice(ChoiceRule.Not(rule), Chain([Wait("w", seconds=1), Pass("high")]))
    choice.default_choice(Fail("none"))
    made = Graph(choice).to_dict()
    assert problems(made) == []
    assert made["States"]["a"] == {
        "Type": "Choice",
        "InputPath": "$.in",
        "Comment": "c",
        "Assign": {"none": True},
        "Choices": [
            {
                "Variable": "$['x']",
                "NumericLessThan": 3,
                "Assign": {"low.$": "$['x']"},
                "Comment": "small",
                "Next": "low",
            },
            {"Not": {"Variable": "$['x']", "NumericLessThan": 3}, "Next": "w"},
        ],
        "Default": "none",
    }
    assert set(made["States"]) == {"a", "low", "w", "high", "none"}


def test_a_choice_in_jsonata():
    choice = Choice("a", query_language=JSONATA)
    choice.add_choice(f"{X['x']} < 3", Pass("low"), output={"x": X["x"]}, assign={"y": 1})
    choice.add_choice(ChoiceRule.IsPresent(variable=X["x"], value=True), Pass("high"))
    choice.add_choice(expression("$states.input.z"), Pass("z"))
    made = Graph(choice).to_dict()
    assert problems(made) == []
    assert made["States"]["a"]["Choices"] == [
        {
            "Condition": "{% $states.input.x < 3 %}",
            "Output": {"x": "{% $states.input.x %}"},
            "Assign": {"y": 1},
            "Next": "low",
        },
        {"Condition": "{% $exists($states.input.x) %}", "Next": "high"},
        {"Condition": "{% $states.input.z %}", "Next": "z"},
    ]


def test_a_state_can_be_changed_afterwards():
    one = Task("a", resource=FUNCTION, parameters={"x": 1}, timeout_seconds=5)
    one.update_parameters({"y": 2})
    one.set(timeout_seconds=None, comment="c")
    assert alone(one) == {
        "Type": "Task",
        "Resource": FUNCTION,
        "Parameters": {"y": 2},
        "Comment": "c",
        "End": True,
    }
    assert one.state_type == one.type == "Task" and repr(one) == "Task('a')"
    assert json.loads(one.to_json()) == json.loads(one.to_json(pretty=True)) == alone(one)
