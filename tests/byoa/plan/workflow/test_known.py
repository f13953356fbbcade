"""Names followed from the state that makes them to the states that use them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from byoa.plan.workflow.known import known
from byoa.plan.workflow.permissions import execution_policy
from byoa.plan.workflow.values import UNKNOWN, joined, look, put
from tests.byoa.plan.policy_evaluator import allows
from tests.byoa.plan.workflow.asl import MACHINES, TRAIN

SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012:"
HERE: dict[str, Any] = {"account": "123456789012", "region": "us-east-1"}
TRAINING = "arn:aws:states:::sagemaker:createTrainingJob.sync"
DELETE = "arn:aws:states:::aws-sdk:sagemaker:deleteModel"


def row(*states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """S1, S2 …, each leading to the next."""
    names = [f"S{number}" for number in range(1, len(states) + 1)]
    made = {}
    for name, state, after in zip(names, states, [*names[1:], ""]):
        made[name] = {**state, **({"Next": after} if after else {"End": True})}
    return {"StartAt": "S1", "States": made, **fields}


def deletes(definition: dict[str, Any]) -> dict[str, bool]:
    """Which of some models the workflow's role may delete."""
    policy = execution_policy(definition, **HERE)
    return {
        name: allows(policy, "sagemaker:DeleteModel", f"{SAGEMAKER}model/{name}")
        for name in ("cells-1", "fixed", "other")
    }


CELLS = {"cells-1": True, "fixed": False, "other": False}
FIXED = {"cells-1": False, "fixed": True, "other": False}
ANYTHING = {"cells-1": True, "fixed": True, "other": True}
TRAIN_TASK = {"Type": "Task", "Resource": TRAINING, "Parameters": TRAIN}


def delete(path: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": DELETE, "Parameters": {"ModelName.$": path}}


PASS: dict[str, Any] = {"Type": "Pass"}


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        # the job's answer says its name
        (row(TRAIN_TASK, delete("$.TrainingJobName")), CELLS),
        (row({**TRAIN_TASK, "ResultPath": "$.job"}, delete("$.job.TrainingJobName")), CELLS),
        (row({**TRAIN_TASK, "ResultPath": "$.job"}, delete("$['job']['TrainingJobName']")), CELLS),
        (row({**TRAIN_TASK, "ResultPath": "$.job"}, delete("$.TrainingJobName")), ANYTHING),
        (row({**TRAIN_TASK, "Resource": TRAINING[:-5]}, delete("$.TrainingJobName")), ANYTHING),
        (row({**TRAIN_TASK, "ResultPath": None}, delete("$.TrainingJobName")), ANYTHING),
        (row({**TRAIN_TASK, "ResultSelector": {"n.$": "$.TrainingJobName"}}, delete("$.n")), CELLS),
        (row({**TRAIN_TASK, "OutputPath": "$.TrainingJobName"}, delete("$")), CELLS),
        # what the execution is given is anything
        (row(delete("$.Name")), ANYTHING),
        (row(delete("$$.Execution.Input.Name")), ANYTHING),
        (row(delete("$$.Execution.Name")), ANYTHING),
        # texts that stand there
        (row({**PASS, "Result": {"n": "fixed"}}, delete("$.n")), FIXED),
        (row({**PASS, "Result": "fixed", "ResultPath": "$.a.b"}, delete("$.a.b")), FIXED),
        (row({**PASS, "Result": {"n": "fixed"}}, PASS, PASS, delete("$.n")), FIXED),
        (
            row({**PASS, "Result": {"p": "cells"}}, delete("States.Format('{}-{}', $.p, $.x)")),
            CELLS,
        ),
        (row({**PASS, "Parameters": {"n.$": "$.Name"}}, delete("$.n")), ANYTHING),
        (row({**PASS, "Assign": {"n": "fixed"}}, PASS, delete("$n")), FIXED),
        (row({**PASS, "Assign": {"n": {"m": "fixed"}}}, PASS, delete("$n.m")), FIXED),
        (row(delete("$nowhere")), ANYTHING),
        # a Lambda function answers whatever it likes
        (
            row(
                {**PASS, "Result": {"n": "fixed"}},
                {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"},
                delete("$.n"),
            ),
            ANYTHING,
        ),
    ],
)
def test_names_are_followed(definition: dict[str, Any], found: dict[str, bool]):
    assert deletes(definition) == found


def test_two_ways_to_a_state_are_both_allowed():
    definition = row({"Type": "Choice", "Default": "S2", "Choices": []}, PASS, PASS, delete("$.n"))
    states = definition["States"]
    states["S1"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "S2"}],
        "Default": "S3",
    }
    states["S2"] = {"Type": "Pass", "Result": {"n": "fixed"}, "Next": "S4"}
    states["S3"] = {
        "Type": "Pass",
        "Parameters": {"n.$": "States.Format('cells-{}', $.x)"},
        "Next": "S4",
    }
    assert deletes(definition) == {"cells-1": True, "fixed": True, "other": False}
    states["S2"]["Next"] = "S3"
    assert deletes(definition) == CELLS
    states["S1"]["Default"] = "S4"
    assert deletes(definition) == ANYTHING


def test_a_caught_error_brings_what_was_there():
    definition = row({**PASS, "Result": {"n": "1"}}, TRAIN_TASK, delete("$.TrainingJobName"))
    catcher = {"ErrorEquals": ["States.ALL"], "Next": "S4", "ResultPath": "$.error"}
    definition["States"]["S2"]["Catch"] = [catcher]
    definition["States"]["S4"] = {**delete("States.Format('fix{}', $.n)"), "End": True}
    policy = execution_policy(definition, **HERE)
    for name, right in (("cells-a-1", True), ("cells-a-2", False), ("fix1", True), ("fix2", False)):
        assert allows(policy, "sagemaker:DeleteModel", f"{SAGEMAKER}model/{name}") is right
    del catcher["ResultPath"]
    policy = execution_policy(definition, **HERE)
    assert allows(policy, "sagemaker:DeleteModel", f"{SAGEMAKER}model/fix2"), "n is gone"


def test_branches_and_iterations_get_what_their_state_is_given():
    branch = row(delete("$.n"))
    both = {"Type": "Parallel", "Parameters": {"n": "fixed"}, "Branches": [branch]}
    assert deletes(row(both)) == FIXED
    assert deletes(row({"Type": "Parallel", "Branches": [branch]})) == ANYTHING
    each = {"Type": "Map", "ItemSelector": {"n": "fixed"}, "ItemProcessor": branch}
    assert deletes(row(each)) == FIXED
    assert deletes(row({"Type": "Map", "ItemProcessor": branch})) == ANYTHING
    made = row({**PASS, "Result": {"n": "fixed"}})
    after = {"Type": "Parallel", "Branches": [made], "ResultSelector": {"m.$": "$[0].n"}}
    assert deletes(row(after, delete("$.m"))) == FIXED


def test_jsonata_is_followed_too():
    task = {"Type": "Task", "Resource": DELETE}
    wanted: list[tuple[Any, dict[str, bool]]] = [
        ({"ModelName": "{% $states.input.n %}"}, FIXED),
        ({"ModelName": "{% ($states.input.n) %}"}, FIXED),
        ({"ModelName": "{% $given.n %}"}, FIXED),
        ({"ModelName": "{% 'cells-' & $states.input.x %}"}, CELLS),
        ({"ModelName": "{% $states.input.x %}"}, ANYTHING),
        ({"ModelName": "{% $states.input.n ? 'a' : 'b' %}"}, ANYTHING),
        ("{% {'ModelName': 'fixed'} %}", ANYTHING),
    ]
    begin = {"Type": "Pass", "Output": {"n": "fixed"}, "Assign": {"given": {"n": "fixed"}}}
    for arguments, found in wanted:
        definition = row(begin, {**task, "Arguments": arguments}, QueryLanguage="JSONata")
        assert deletes(definition) == found, arguments


def test_a_rule_may_hand_on_something_else():
    rule = {"Condition": "{% $states.input.x %}", "Next": "S3", "Output": {"n": "fixed"}}
    delete_it = {
        "Type": "Task",
        "Resource": DELETE,
        "Arguments": {"ModelName": "{% $states.input.n %}"},
    }
    definition = row(PASS, PASS, delete_it, QueryLanguage="JSONata")
    definition["States"]["S1"] = {"Type": "Choice", "Choices": [rule], "Default": "S2"}
    definition["States"]["S2"] = {"Type": "Succeed"}
    assert deletes(definition) == FIXED


def test_a_name_that_grows_in_a_loop_comes_to_an_end():
    definition = row(PASS, delete("$.n"))
    definition["States"]["S1"]["Parameters"] = {"n.$": "States.Format('{}x', $.n)", "old.$": "$"}
    definition["States"]["S2"] = {**delete("$.n"), "Next": "S1", "ResultPath": None}
    policy = execution_policy(definition, **HERE)
    for name, right in (("ax", True), ("axx", True), ("a", False)):
        assert allows(policy, "sagemaker:DeleteModel", f"{SAGEMAKER}model/{name}") is right


def test_what_may_be_either():
    one, other = frozenset(["a"]), frozenset(["b"])
    assert joined(one, other) == {"a", "b"}
    assert joined(one, UNKNOWN) == UNKNOWN
    assert joined(None, one) == one
    assert joined({"x": one}, {"y": other}) == {"x": one, "y": other}
    assert joined({"x": one}, put(UNKNOWN, ["y"], other))["x"] == UNKNOWN
    assert joined(frozenset("abcde"), frozenset("fghij")) == UNKNOWN
    assert look("$.a.b", {"$": put(UNKNOWN, ["a", "b"], one)}) == one
    assert look("$.a.c", {"$": put(UNKNOWN, ["a", "b"], one)}) == UNKNOWN


@given(MACHINES)
@settings(max_examples=150, deadline=None)
def test_any_definition_is_walked_to_its_end(definition: dict[str, Any]):
    known(definition)
