"""Every type of state, in both query languages, run for real."""

from __future__ import annotations

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import Run, definition, output


def test_what_goes_through_a_state(run: Run):
    told = definition(
        {"Type": "Pass", "InputPath": "$.a", "Parameters": {"x.$": "$.b", "n": 1,
         "who.$": "$$.State.Name", "f.$": "States.Format('{}-{}', $.b, 'c')"},
         "ResultPath": "$.made", "OutputPath": "$"},
        {"Type": "Pass", "Result": [1, 2], "ResultPath": "$.made.list"},
        {"Type": "Pass", "ResultPath": None, "Result": "dropped"},
    )  # fmt: skip
    found = output(run(told, {"a": {"b": 7}}))
    assert found == {
        "a": {"b": 7},
        "made": {"x": 7, "n": 1, "who": "S1", "f": "7-c", "list": [1, 2]},
    }


def test_a_path_that_leads_nowhere_is_told(run: Run):
    failed = run(definition({"Type": "Pass", "Parameters": {"x.$": "$.foo"}}), {"a": 1})
    assert failed["status"] == "FAILED" and failed["error"] == "States.Runtime"
    assert failed["cause"] == (
        "An error occurred while executing the state 'S1' (entered at the event id #2). "
        "The JSONPath '$.foo' specified for the field 'x.$' could not be found in the input "
        "'{\"a\":1}'"
    )


def test_the_context_object(client: Clients, run: Run, states_role: str):
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
