"""States with every field they can have, in both languages, beside what they make."""

from __future__ import annotations

import json
from typing import Any

from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.chain import Graph
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.expressions import jsonata as expression
from byoa.plan.workflow.intrinsics import format_
from byoa.plan.workflow.placeholders import (
    ErrorOutput,
    ExecutionInput,
    StepInput,
    StepResult,
    context,
)
from byoa.plan.workflow.states import (
    Fail,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)

X, RESULT, ERROR = StepInput(), StepResult(), ErrorOutput()
INPUT = ExecutionInput()
LAMBDA = "arn:aws:states:::lambda:invoke"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"  #: takes any parameters


def alone(state: State, language: str | None = None) -> dict[str, Any]:
    """The state as the definition has it, in a definition that AWS takes."""
    made = Graph(state, query_language=language).to_dict()
    assert problems(made) == []
    json.dumps(made)
    found: dict[str, Any] = made["States"][state.state_id]
    return found


JSONPATH_STATES = [
    (
        Pass(
            "a",
            comment="why",
            input_path="$.in",
            parameters={"x": X["x"], "y": 1},
            result_path="$.made",
            output_path="$.made",
            assign={"kept": X["x"], "fixed": [1]},
        ),
        {
            "Type": "Pass",
            "Comment": "why",
            "InputPath": "$.in",
            "Parameters": {"x.$": "$['x']", "y": 1},
            "ResultPath": "$.made",
            "OutputPath": "$.made",
            "Assign": {"kept.$": "$['x']", "fixed": [1]},
            "End": True,
        },
    ),
    (
        Pass("a", result={"a": [1, None]}, result_path=None),
        {"Type": "Pass", "Result": {"a": [1, None]}, "ResultPath": None, "End": True},
    ),
    (
        Task(
            "a",
            resource=LAMBDA,
            parameters={"FunctionName": "f", "Payload": X},
            result_selector={"Got": RESULT["Payload"]["x"]},
            result_path="$.a",
            timeout_seconds=60,
            heartbeat_seconds=30,
            credentials={"RoleArn": X["role"]},
            retry=Retry(
                error_equals=["Lambda.TooManyRequestsException"],
                interval_seconds=1,
                max_attempts=3,
                backoff_rate=1.5,
                max_delay_seconds=60,
                jitter_strategy="FULL",
            ),
            catch=[Catch(Fail("b"), error_equals="States.ALL", result_path="$.e")],
        ),
        {
            "Type": "Task",
            "Resource": LAMBDA,
            "Parameters": {"FunctionName": "f", "Payload.$": "$"},
            "ResultSelector": {"Got.$": "$['Payload']['x']"},
            "ResultPath": "$.a",
            "TimeoutSeconds": 60,
            "HeartbeatSeconds": 30,
            "Credentials": {"RoleArn.$": "$['role']"},
            "Retry": [
                {
                    "ErrorEquals": ["Lambda.TooManyRequestsException"],
                    "IntervalSeconds": 1,
                    "MaxAttempts": 3,
                    "BackoffRate": 1.5,
                    "MaxDelaySeconds": 60,
                    "JitterStrategy": "FULL",
                }
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "b"}],
            "End": True,
        },
    ),
    (
        Task("a", resource=FUNCTION, timeout_seconds=X["t"], heartbeat_seconds_path="$.h"),
        {
            "Type": "Task",
            "Resource": FUNCTION,
            "TimeoutSecondsPath": "$['t']",
            "HeartbeatSecondsPath": "$.h",
            "End": True,
        },
    ),
    (Wait("a", seconds=5), {"Type": "Wait", "Seconds": 5, "End": True}),
    (Wait("a", seconds=X["s"]), {"Type": "Wait", "SecondsPath": "$['s']", "End": True}),
    (Wait("a", seconds_path="$.s"), {"Type": "Wait", "SecondsPath": "$.s", "End": True}),
    (
        Wait("a", timestamp="2026-01-31T12:00:00Z", assign={"x": 1}),
        {
            "Type": "Wait",
            "Timestamp": "2026-01-31T12:00:00Z",
            "Assign": {"x": 1},
            "End": True,
        },
    ),
    (Wait("a", timestamp=X["t"]), {"Type": "Wait", "TimestampPath": "$['t']", "End": True}),
    (Wait("a", timestamp_path=X["t"]), {"Type": "Wait", "TimestampPath": "$['t']", "End": True}),
    (
        Succeed("a", comment="c", input_path="$.x", output_path=None),
        {"Type": "Succeed", "Comment": "c", "InputPath": "$.x", "OutputPath": None},
    ),
    (Fail("a"), {"Type": "Fail"}),
    (Fail("a", error="E", cause="C"), {"Type": "Fail", "Error": "E", "Cause": "C"}),
    (
        Fail("a", error_path="$.Error", cause=format_("{} is down", X["name"])),
        {
            "Type": "Fail",
            "ErrorPath": "$.Error",
            "CausePath": "States.Format('{} is down', $['name'])",
        },
    ),
    (
        Fail("a", cause=f"{X['name']} is down"),
        {"Type": "Fail", "CausePath": "States.Format('{} is down', $['name'])"},
    ),
]
JSONATA_STATES = [
    (
        Pass("a", output={"x": X["x"]}, assign={"kept": X["x"]}),
        {
            "Type": "Pass",
            "Output": {"x": "{% $states.input.x %}"},
            "Assign": {"kept": "{% $states.input.x %}"},
            "End": True,
        },
    ),
    (
        Pass("a", parameters={"x": X["x"]}),  # the same step in either language
        {"Type": "Pass", "Output": {"x": "{% $states.input.x %}"}, "End": True},
    ),
    (Pass("a", output=X["x"]), {"Type": "Pass", "Output": "{% $states.input.x %}", "End": True}),
    (
        Task(
            "a",
            resource=LAMBDA,
            arguments={"FunctionName": "f", "Payload": X},
            output=RESULT["Payload"],
            assign={"code": RESULT["StatusCode"], "text": f"run {context['Execution']['Name']}"},
            timeout_seconds=X["t"],
            heartbeat_seconds=5,
            credentials={"RoleArn": X["role"]},
            catch=Catch(
                Fail("b"),
                error_equals=["States.ALL"],
                output={"why": ERROR["Cause"]},
                assign={"error": ERROR["Error"]},
                comment="c",
            ),
        ),
        {
            "Type": "Task",
            "Resource": LAMBDA,
            "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
            "Output": "{% $states.result.Payload %}",
            "Assign": {
                "code": "{% $states.result.StatusCode %}",
                "text": '{% "run " & $states.context.Execution.Name %}',
            },
            "TimeoutSeconds": "{% $states.input.t %}",
            "HeartbeatSeconds": 5,
            "Credentials": {"RoleArn": "{% $states.input.role %}"},
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Output": {"why": "{% $states.errorOutput.Cause %}"},
                    "Assign": {"error": "{% $states.errorOutput.Error %}"},
                    "Comment": "c",
                    "Next": "b",
                }
            ],
            "End": True,
        },
    ),
    (
        Task("a", resource=LAMBDA, parameters={"FunctionName": "f", "Payload": X["x"]}),
        {
            "Type": "Task",
            "Resource": LAMBDA,
            "Arguments": {"FunctionName": "f", "Payload": "{% $states.input.x %}"},
            "End": True,
        },
    ),
    (
        Wait("a", seconds=expression("$states.input.s * 2"), output={}),
        {"Type": "Wait", "Seconds": "{% $states.input.s * 2 %}", "Output": {}, "End": True},
    ),
    (
        Wait("a", timestamp=X["t"]),
        {"Type": "Wait", "Timestamp": "{% $states.input.t %}", "End": True},
    ),
    (Succeed("a", output="{% 1 %}"), {"Type": "Succeed", "Output": "{% 1 %}"}),
    (
        Fail("a", error="E", cause=f"{X['name']} is down"),
        {"Type": "Fail", "Error": "E", "Cause": '{% $states.input.name & " is down" %}'},
    ),
]
