"""Every type of state, in both query languages, run for real."""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import Run, definition, output, types

JSONATA = {"QueryLanguage": "JSONata"}


def test_what_goes_through_a_state(run: Run):
    told = definition(
        {"Type": "Pass", "InputPath": "$.a", "Parameters": {"x.$": "$.b", "n": 1,
         "who.$": "$$.State.Name", "f.$": "States.Format('{}-{}', $.b, 'c\\'s \\{\\}')"},
         "ResultPath": "$.made", "OutputPath": "$"},
        {"Type": "Pass", "Result": [1, 2], "ResultPath": "$.made.list"},
        {"Type": "Pass", "ResultPath": None, "Result": "dropped"},
    )  # fmt: skip
    found = output(run(told, {"a": {"b": 7}}))
    assert found == {
        "a": {"b": 7},
        "made": {"x": 7, "n": 1, "who": "S1", "f": "7-c's {}", "list": [1, 2]},
    }


def test_a_path_that_leads_nowhere_is_told(run: Run):
    failed = run(definition({"Type": "Pass", "Parameters": {"x.$": "$.foo"}}), {"a": 1})
    assert failed["status"] == "FAILED" and failed["error"] == "States.Runtime"
    assert failed["cause"] == (
        "An error occurred while executing the state 'S1' (entered at the event id #2). "
        "The JSONPath '$.foo' specified for the field 'x.$' could not be found in the input "
        "'{\"a\":1}'"
    )


def test_the_context_object(run: Run, states_role: str):
    found = run(definition({"Type": "Pass", "Parameters": {"all.$": "$$"}}), {"a": 1})
    context = output(found)["all"]
    assert context["Execution"] == {
        "Id": found["executionArn"],
        "Input": {"a": 1},
        "Name": found["name"],
        "RoleArn": states_role,
        "StartTime": context["Execution"]["StartTime"],
        "RedriveCount": 0,
    }
    assert context["StateMachine"]["Id"] == found["stateMachineArn"]
    assert context["State"]["Name"] == "S1" and context["State"]["RetryCount"] == 0
    assert len(found["name"]) == 36, "a start without a name is called by a UUID"


def test_jsonata_and_variables(run: Run):
    told = definition(
        {"Type": "Pass", "Assign": {"n": "{% $states.input.a * 2 %}", "kept": None},
         "Output": {"list": "{% [1..$states.input.a] %}", "same": "as is"}},
        {"Type": "Pass", "QueryLanguage": "JSONata",
         "Output": "{% {'n': $n, 'sum': $sum($states.input.list), 'kept': $kept,"
                   " 'name': $states.context.State.Name, 'hash': $hash('x', 'MD5')} %}"},
    ) | JSONATA  # fmt: skip
    assert output(run(told, {"a": 3})) == {
        "n": 6, "sum": 6, "kept": None, "name": "S2", "hash": "9dd4e461268c8034f5c8564e155c67a6",
    }  # fmt: skip


def test_variables_in_jsonpath(run: Run):
    told = definition(
        {"Type": "Pass", "Assign": {"order.$": "$.order", "two": 2}},
        {"Type": "Pass", "Parameters": {"id.$": "$order.id", "f.$": "States.MathAdd($two, 1)"}},
    )
    assert output(run(told, {"order": {"id": 5}})) == {"id": 5, "f": 3}


def test_jsonata_that_finds_nothing_is_an_error(run: Run):
    told = definition({"Type": "Pass", "Output": "{% $states.input.nothing %}"}) | JSONATA
    failed = run(told)
    assert failed["error"] == "States.QueryEvaluationError"
    assert (
        "'$states.input.nothing' specified for the field 'Output' returned nothing"
        in (failed["cause"])
    )


RULES: list[tuple[dict[str, Any], bool]] = [
    ({"Variable": "$.n", "NumericGreaterThan": 4}, True),
    ({"Variable": "$.n", "NumericLessThanEqualsPath": "$.m"}, True),
    ({"Variable": "$.s", "StringEquals": "abc"}, True),
    ({"Variable": "$.s", "NumericEquals": 5}, False),
    ({"Variable": "$.s", "StringMatches": "a*c"}, True),
    ({"Variable": "$.s", "StringMatches": "a\\*c"}, False),
    ({"Variable": "$.none", "IsPresent": False}, True),
    ({"Variable": "$.null", "IsNull": True}, True),
    ({"Variable": "$.b", "BooleanEquals": True}, True),
    ({"Variable": "$.t", "TimestampGreaterThan": "2026-01-01T00:00:00+01:00"}, True),
    ({"Variable": "$.t", "IsTimestamp": True}, True),
    ({"Not": {"Variable": "$.n", "IsNumeric": True}}, False),
    ({"And": [{"Variable": "$.b", "IsBoolean": True}, {"Variable": "$.n", "NumericEquals": 6}]},
     False),
    ({"Or": [{"Variable": "$.n", "NumericEquals": 5}, {"Variable": "$.x", "IsNull": True}]}, True),
]  # fmt: skip


def test_the_rules_of_a_choice(run: Run):
    """All rules at once: each in a Choice of its own, which adds its answer."""
    given = {"n": 5, "m": 5, "s": "abc", "null": None, "b": True, "t": "2026-01-01T00:00:00Z"}
    branches = []
    for rule, _ in RULES:
        yes, no = ({"Type": "Pass", "Result": found, "End": True} for found in (True, False))
        choose = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
        branches.append({"StartAt": "C", "States": {"C": choose, "Yes": yes, "No": no}})
    told = definition({"Type": "Parallel", "Branches": branches})
    names = iter(range(1000))
    for branch in told["States"]["S1"]["Branches"]:
        renamed(branch, f"-{next(names)}")
    assert output(run(told, given)) == [wanted for _, wanted in RULES]


def renamed(branch: dict[str, Any], end: str) -> None:
    """State names have to differ in a whole machine."""
    branch["StartAt"] += end
    branch["States"] = {name + end: state for name, state in branch["States"].items()}
    for state in branch["States"].values():
        for rule in state.get("Choices", []):
            rule["Next"] += end
        if "Default" in state:
            state["Default"] += end


def test_no_choice_is_an_error(run: Run):
    told = definition(
        {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "S2"}]},
        {"Type": "Succeed"},
    )
    assert run(told, {"n": 2})["error"] == "States.NoChoiceMatched"


def test_a_choice_in_jsonata(run: Run):
    told = definition(
        {"Type": "Choice", "Choices": [
            {"Condition": "{% $states.input.n > 10 %}", "Next": "S2"},
            {"Condition": "{% $states.input.n > 1 %}", "Next": "S2",
             "Assign": {"size": "{% 'middle' %}"}, "Output": "{% $states.input.n %}"},
        ], "Default": "S3"},
        {"Type": "Pass", "Output": "{% [$size, $states.input] %}", "End": True},
        {"Type": "Fail", "Error": "{% 'E' & $states.input.n %}", "Cause": "small"},
    ) | JSONATA  # fmt: skip
    assert output(run(told, {"n": 5})) == ["middle", 5]
    failed = run(told, {"n": 0})
    assert (failed["error"], failed["cause"]) == ("E0", "small")


def test_waits(run: Run, client: Clients):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1.2)
    told = definition(
        {"Type": "Wait", "SecondsPath": "$.none"},
        {"Type": "Wait", "TimestampPath": "$.soon"},
        {"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z"},
        {"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": "{% $states.input.none %}",
         "Output": "{% 'waited' %}"},
    )  # fmt: skip
    start = time.monotonic()
    ended = run(told, {"none": 0, "soon": soon.isoformat()})
    assert output(ended) == "waited"
    assert time.monotonic() - start > 0.9
    found = types(client, ended["executionArn"])
    assert found[0] == "ExecutionStarted" and found[-1] == "ExecutionSucceeded"
    assert found[1:3] == ["WaitStateEntered", "WaitStateExited"]


def test_fail_with_paths(run: Run):
    told = definition({"Type": "Fail", "ErrorPath": "$.e",
                       "CausePath": "States.Format('because {}', $.c)"})  # fmt: skip
    failed = run(told, {"e": "Mine", "c": "so"})
    assert (failed["error"], failed["cause"]) == ("Mine", "because so")
    assert "output" not in failed


def test_parallel_and_a_map(run: Run, client: Clients):
    each = definition({"Type": "Pass", "Parameters": {
        "v.$": "$.v", "at.$": "$$.Map.Item.Index", "whole.$": "$.whole"}})  # fmt: skip
    each["States"] = {"Each": each["States"]["S1"]} | {}
    each["StartAt"] = "Each"
    two = {"StartAt": "B2", "States": {"B2": {"Type": "Pass", "Result": "b", "End": True}}}
    told = definition(
        M={"Type": "Map", "ItemsPath": "$.list", "MaxConcurrency": 2, "ItemProcessor": each,
           "ItemSelector": {"v.$": "$$.Map.Item.Value", "whole.$": "$.list[0]"},
           "ResultPath": "$.mapped"},
        P={"Type": "Parallel", "Branches": [
            {"StartAt": "B1", "States": {"B1": {"Type": "Pass", "OutputPath": "$.mapped[2].v",
                                                "End": True}}}, two]},
    )  # fmt: skip
    ended = run(told, {"list": [7, 8, 9]})
    assert output(ended) == [9, "b"]
    found = types(client, ended["executionArn"])
    assert found.count("MapIterationStarted") == found.count("MapIterationSucceeded") == 3
    assert "MapStateSucceeded" in found and "ParallelStateSucceeded" in found


def test_a_map_in_jsonata(run: Run):
    each = {"StartAt": "Each", "States": {"Each": {
        "Type": "Pass", "Output": "{% $states.input.n * $factor %}", "End": True}}}  # fmt: skip
    told = definition(
        {"Type": "Pass", "Assign": {"factor": 10}},
        {"Type": "Map", "Items": "{% $states.input.list[$ > 1] %}", "ItemProcessor": each,
         "ItemSelector": {"n": "{% $states.context.Map.Item.Value %}"},
         "Output": "{% $sum($states.result) %}"},
    ) | JSONATA  # fmt: skip
    assert output(run(told, {"list": [1, 2, 3]})) == 50


def test_too_much_data(run: Run):
    told = definition({"Type": "Pass", "Parameters": {
        "x.$": "States.Format('{}{}{}{}{}', $.x, $.x, $.x, $.x, $.x)"}})  # fmt: skip
    failed = run(told, {"x": "y" * 60_000})
    assert failed["error"] == "States.DataLimitExceeded"


def test_many_at_once(client: Clients, machine: Any):
    """Executions do not wait for each other."""
    arn = machine(definition({"Type": "Wait", "Seconds": 3}, {"Type": "Pass"}))
    states, start = client("stepfunctions"), time.monotonic()
    runs = [
        states.start_execution(stateMachineArn=arn, input=json.dumps(at))["executionArn"]
        for at in range(30)
    ]
    pending = set(runs)
    while pending and time.monotonic() - start < 60:
        listed = states.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")
        pending -= {one["executionArn"] for one in listed["executions"]}
        time.sleep(0.1)
    assert not pending and time.monotonic() - start < 60


@pytest.mark.parametrize("given", ['{"a": 1', "NaN", ""])
def test_an_input_that_is_no_json(client: Clients, machine: Any, given: str):
    from tests.byoa.sandbox.conftest import refused

    arn = machine(definition({"Type": "Succeed"}), name="plain")
    states = client("stepfunctions")
    code, _ = refused(states.start_execution, stateMachineArn=arn, input=given)
    assert code == "InvalidExecutionInput"
