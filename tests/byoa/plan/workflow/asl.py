"""Definitions that AWS takes, one a language, with every kind of state and nearly every field."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

ROLE = "arn:aws:iam::123456789012:role/jobs"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:scale"
TRAIN: dict[str, Any] = {
    "TrainingJobName.$": "States.Format('cells-{}-{}', States.Hash($$.Execution.Name, 'MD5'), $.n)",
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage.$": "$.Image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "HyperParameters": {"epochs": "3", "rate.$": "$.rate"},
}
JSONPATH: dict[str, Any] = {
    "Comment": "all of it",
    "StartAt": "Begin",
    "TimeoutSeconds": 86400,
    "States": {
        "Begin": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.given", "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Ask",
                    "States": {
                        "Ask": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                            "Parameters": {
                                "FunctionName": "ask",
                                "Payload": {"token.$": "$$.Task.Token"},
                            },
                            "HeartbeatSeconds": 60,
                            "TimeoutSeconds": 600,
                            "End": True,
                        }
                    },
                },
                {
                    "StartAt": "Each",
                    "States": {
                        "Each": {
                            "Type": "Map",
                            "ItemsPath": "$.items",
                            "ItemSelector": {"one.$": "$$.Map.Item.Value"},
                            "MaxConcurrency": 3,
                            "ItemProcessor": {
                                "ProcessorConfig": {"Mode": "INLINE"},
                                "StartAt": "Scale",
                                "States": {
                                    "Scale": {"Type": "Task", "Resource": FUNCTION, "End": True}
                                },
                            },
                            "End": True,
                        }
                    },
                },
            ],
            "ResultSelector": {"first.$": "$[0]"},
            "ResultPath": "$.both",
            "Catch": [
                {"ErrorEquals": ["States.Timeout"], "Next": "Rest", "ResultPath": "$.error"},
                {"ErrorEquals": ["States.ALL"], "Next": "Failed"},
            ],
            "Next": "Train",
        },
        "Train": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Parameters": TRAIN,
            "Retry": [
                {
                    "ErrorEquals": ["SageMaker.AmazonSageMakerException"],
                    "IntervalSeconds": 5,
                    "MaxAttempts": 3,
                    "BackoffRate": 2.0,
                    "MaxDelaySeconds": 60,
                    "JitterStrategy": "FULL",
                },
                {"ErrorEquals": ["States.ALL"], "MaxAttempts": 0},
            ],
            "ResultPath": "$.job",
            "Next": "Good?",
        },
        "Good?": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.job.x", "IsPresent": True},
                        {"Not": {"Variable": "$.job.x", "NumericLessThan": 0.5}},
                    ],
                    "Next": "Done",
                },
                {
                    "Variable": "$.job.at",
                    "TimestampGreaterThan": "2026-01-31T12:00:00Z",
                    "Next": "Rest",
                },
            ],
            "Default": "Failed",
        },
        "Rest": {"Type": "Wait", "SecondsPath": "$.pause", "Next": "Train"},
        "Done": {"Type": "Succeed", "OutputPath": "$.job"},
        "Failed": {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "States.Format('{}', $.x)"},
    },
}
JSONATA: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "Look",
    "States": {
        "Look": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
            "Arguments": {"EndpointName": "{% $states.input.Endpoint %}"},
            "Assign": {"status": "{% $states.result.EndpointStatus %}"},
            "Output": {"n": "{% $count([1, 2]) %}"},
            "Catch": [
                {
                    "ErrorEquals": ["SageMaker.SageMakerException"],
                    "Output": "{% $states.errorOutput %}",
                    "Next": "There?",
                }
            ],
            "Next": "There?",
        },
        "There?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $status = 'InService' %}", "Next": "Done"},
                {"Condition": "{% $exists($states.input) %}", "Next": "Rest", "Output": {"a": 1}},
            ],
            "Default": "Failed",
        },
        "Rest": {"Type": "Wait", "Seconds": "{% $states.input.pause %}", "Next": "Look"},
        "Done": {"Type": "Succeed", "Output": "{% {'status': $status} %}"},
        "Failed": {"Type": "Fail", "Error": "Gone", "Cause": "{% 'It is ' & $status %}"},
    },
}


def changed(definition: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one place changed: `States/Train/Retry/0`; None takes it away."""
    made = copy.deepcopy(definition)
    place: Any = made
    *above, last = path.split("/")
    for step in above:
        place = place[int(step)] if step.isdigit() else place[step]
    key: Any = int(last) if last.isdigit() else last
    if value is None:
        del place[key]
    else:
        place[key] = value
    return made


NAMES = st.sampled_from(
    ["A", "B", "C", "<script>alert(1)</script>", "q\"'`", "é 猫 🙂", "end", "a" * 81, "", "]]>-->"]
)
TEXTS = st.sampled_from(
    ["$", "$.a", "$$.Execution.Name", "States.Format('{}', $.a)", "States.UUID()", "{% $x %}",
     "{% 'a' & ", "$..[?(@.a", "\x00\ud800", "arn:aws:states:::lambda:invoke", "States.ALL",
     "arn:aws:states:::sagemaker:createTrainingJob.sync", "JSONata", "Task", "Map", "Choice"]
) | NAMES  # fmt: skip
KEYS = st.sampled_from(
    ["Type", "Next", "End", "Default", "Choices", "Catch", "Retry", "ErrorEquals", "Parameters",
     "Arguments", "Resource", "ResultPath", "Result", "Branches", "ItemProcessor", "StartAt",
     "States", "QueryLanguage", "Variable", "StringEquals", "And", "Not", "Condition", "Seconds",
     "TimeoutSeconds", "Assign", "Output", "Comment", "TrainingJobName.$", "HyperParameters",
     "ProcessorConfig", "Mode", "ItemReader", "ResultWriter", "Credentials", "RoleArn"]
) | TEXTS  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-2, 10**10) | st.floats(allow_nan=False) | TEXTS
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
STATES = st.fixed_dictionaries(
    {"Type": st.sampled_from(["Task", "Pass", "Choice", "Wait", "Map", "Parallel", "Fail", "?"])},
    optional={
        "Next": NAMES,
        "End": st.booleans(),
        "Default": NAMES,
        "Catch": st.lists(st.fixed_dictionaries({"Next": NAMES, "ErrorEquals": JSON}), max_size=2),
        "Choices": st.lists(
            st.fixed_dictionaries({"Next": NAMES}, optional={"And": JSON}), max_size=3
        ),
        "Parameters": JSON,
        "Resource": TEXTS,
        "QueryLanguage": TEXTS,
    },
)


def _machine(states: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"StartAt": NAMES, "States": st.dictionaries(NAMES, states, max_size=5)},
        optional={"QueryLanguage": TEXTS},
    )


def _within(states: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    machines = _machine(states)
    return states | st.fixed_dictionaries(
        {
            "Type": st.sampled_from(["Parallel", "Map"]),
            "Branches": st.lists(machines, max_size=2),
            "ItemProcessor": machines,
            "Next": NAMES,
        }
    )


#: Nearly definitions, and anything at all.
MACHINES = _machine(_within(STATES)) | st.dictionaries(KEYS, JSON, max_size=4)
