"""Causes as the services write them, and the one sentence that is made of each."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.workflow.failure import CUT, dug, failure_of, reason
from byoa.plan.workflow.work import Work, work

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
REASON = "AlgorithmError: ValueError: num_classes is 0, exit code: 1"
JOB = {"TrainingJobName": "faces-1", "TrainingJobStatus": "Failed", "FailureReason": REASON}
BUILD = {
    "Build": {
        "Id": "faces:0ee0",
        "BuildStatus": "FAILED",
        "Phases": [
            {"PhaseType": "SUBMITTED", "PhaseStatus": "SUCCEEDED"},
            {
                "PhaseType": "BUILD",
                "PhaseStatus": "FAILED",
                "Contexts": [
                    {"StatusCode": "COMMAND_EXECUTION_ERROR", "Message": "while executing: make"}
                ],
            },
            {"PhaseType": "COMPLETED"},
        ],
    }
}
NESTED = {
    "ExecutionArn": "arn:aws:states:eu-west-1:1:execution:inner:x-1",
    "Status": "FAILED",
    "Error": "States.TaskFailed",
    "Cause": json.dumps(JOB),
}
CAUSES: list[tuple[str, Any, str]] = [
    ("States.TaskFailed", JOB, f"faces-1: {REASON}"),
    ("SageMaker.AmazonSageMakerException", "Requested image x not found.", "Requested image x not"
     " found."),
    (
        "States.TaskFailed",
        {"ProcessingJobName": "p", "ProcessingJobStatus": "Failed", "ExitMessage": "no data"},
        "p: no data",
    ),
    ("States.TaskFailed", {"TrainingJobName": "t", "TrainingJobStatus": "Stopped"},
     "t: the job is Stopped"),
    ("States.TaskFailed", BUILD,
     "the build faces:0ee0 failed in its phase BUILD: while executing: make"),
    (
        "States.TaskFailed",
        {"Build": {"Id": "f:1", "BuildStatus": "TIMED_OUT", "Phases": []}},
        "the build f:1 is TIMED_OUT",
    ),
    (
        "States.TaskFailed",
        {"JobName": "b", "StatusReason": "Container exited", "Container": {"ExitCode": 3}},
        "b: Container exited (exit code 3)",
    ),
    (
        "BuildFailed",
        {"errorType": "BuildFailed", "errorMessage": "no Dockerfile", "stackTrace": ["x"]},
        "BuildFailed: no Dockerfile",
    ),
    ("Lambda.Unknown", {"errorMessage": "2026 Task timed out after 3.00 seconds"},
     "Lambda.Unknown: 2026 Task timed out after 3.00 seconds"),
    ("States.TaskFailed", NESTED, f"inner:x-1: faces-1: {REASON}"),
    (
        "States.TaskFailed",
        {**NESTED, "Cause": json.dumps({**NESTED, "Cause": "plain"})},
        "inner:x-1: inner:x-1: plain",
    ),
    (
        "SageMaker.SageMakerException",
        "Could not find x. (Service: SageMaker, Status Code: 400, Request ID: 0-1)",
        "Could not find x.",
    ),
    ("Lambda.X", "No f (Service: AWSLambda; Status Code: 404; Proxy: null)", "Lambda.X: No f"),
    ("States.Timeout", "", "it took longer than its TimeoutSeconds"),
    ("MyError", "", "MyError"),
    ("MyError", "two\n  lines", "MyError: two lines"),
    ("", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("error", "cause", "said"), CAUSES)
def test_a_cause_becomes_its_reason(error: str, cause: Any, said: str):
    assert reason(error, cause if isinstance(cause, str) else json.dumps(cause)) == said


@pytest.mark.parametrize("length", range(120, 420, 7))
def test_a_cause_that_aws_cut_still_tells(length: int):
    text = json.dumps({"TrainingJobName": "faces-1", "FailureReason": 'He said "no"\n' + "x" * 400})
    said = reason("States.TaskFailed", text[:length])
    assert said.startswith('He said "no" x')
    assert "\\n" not in said


def test_a_long_reason_is_cut():
    assert len(reason("", "x" * 5000)) == 1500


@given(st.text(max_size=60) | st.from_regex(CUT, fullmatch=True))
def test_any_cause_is_read(cause: str):
    for text in (cause, "{" + cause, json.dumps({"Cause": cause, "ExecutionArn": "a", "Build": 1})):
        assert isinstance(dug(text), str)
        assert "\n" not in reason("E", text)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Build", "Phases", "Contexts", "PhaseStatus", "Cause", "ExecutionArn", "Container",
                 "JobName", "FailureReason", "StatusReason", "errorType", "errorMessage"]
            ),
            inner,
        ),
        max_leaves=10,
    )
)  # fmt: skip
def test_any_json_is_read(cause: Any):
    assert isinstance(reason("E", json.dumps(cause)), str)


class Events:
    """A history as Step Functions tells it, one event after the other."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def add(self, kind: str, previous: int | None = None, **details: Any) -> int:
        number = len(self.made) + 1
        key = {
            "TaskScheduled": "taskScheduledEventDetails",
            "TaskSubmitted": "taskSubmittedEventDetails",
            "TaskFailed": "taskFailedEventDetails",
            "ExecutionFailed": "executionFailedEventDetails",
            "LambdaFunctionScheduled": "lambdaFunctionScheduledEventDetails",
        }.get(kind, "stateEnteredEventDetails" if "Entered" in kind else "stateExitedEventDetails")
        event: dict[str, Any] = {
            "id": number,
            "previousEventId": number - 1 if previous is None else previous,
            "type": kind,
            "timestamp": BEGAN + timedelta(seconds=number),
        }
        self.made.append({**event, **({key: details} if details else {})})
        return number


def failed_training(caught: str = "") -> Events:
    events = Events()
    events.add("ExecutionStarted")
    events.add("TaskStateEntered", name="Train")
    events.add(
        "TaskScheduled",
        resourceType="sagemaker",
        resource="createTrainingJob.sync",
        parameters=json.dumps({"TrainingJobName": "faces-1"}),
    )
    events.add("TaskFailed", error="States.TaskFailed", cause=json.dumps(JOB))
    if caught:
        events.add("TaskStateExited", name="Train")
        events.add("FailStateEntered", name=caught)
    return events


def test_the_sentence_names_workflow_state_and_reason_and_says_what_to_do():
    events = failed_training()
    events.add("ExecutionFailed", error="States.TaskFailed", cause=json.dumps(JOB))
    found = failure_of({}, events.made)
    assert (found.state, found.is_final) == ("Train", False)
    said = found.sentence("The workflow faces")
    assert said.startswith(f"The workflow faces failed in Train: faces-1: {REASON}. ")
    assert "byoa logs" in said
    assert found.sentence("x", "ABORTED").startswith("x was stopped in Train")
    assert found.sentence("x", "TIMED_OUT").startswith("x ran out of time in Train")


def test_what_a_fail_state_hides_is_told_from_what_was_caught():
    events = failed_training("Give up")
    events.add("ExecutionFailed")
    found = failure_of({}, events.made)
    assert (found.state, found.is_final) == ("Train", True)
    assert found.reason == f"faces-1: {REASON}"


def test_a_fail_state_with_words_of_its_own_speaks_for_its_step():
    events = failed_training("Deploy: failed")
    events.add(
        "ExecutionFailed", error="EndpointFailed", cause="did not pass the ping health check"
    )
    found = failure_of({}, events.made)
    assert (found.state, found.is_final) == ("Deploy", True)
    assert found.reason == "EndpointFailed: did not pass the ping health check"
    assert "GET /ping" in found.advice


def test_advice_about_jobs_is_not_given_for_functions_and_builds():
    for cause in ({"errorMessage": "Task timed out after 1.00 seconds"}, BUILD):
        events = Events()
        events.add("ExecutionStarted")
        events.add("TaskStateEntered", name="S")
        events.add("TaskFailed", error="E", cause=json.dumps(cause))
        events.add("ExecutionFailed", error="E", cause=json.dumps(cause))
        assert failure_of({}, events.made).advice == ""


def test_what_the_description_says_stands_in_for_a_history_without_words():
    events = Events()
    events.add("ExecutionStarted")
    events.add("TaskStateEntered", name="S")
    events.add("ExecutionAborted")
    found = failure_of({"error": "Stopped", "cause": "enough"}, events.made)
    assert (found.state, found.reason) == ("S", "Stopped: enough")
    assert failure_of({}, []).sentence("x") == "x failed."


def test_the_work_of_each_state_is_named_with_its_log():
    events = failed_training()
    events.add("TaskStateExited", name="Train")
    events.add("TaskStateEntered", name="Build")
    events.add(
        "TaskScheduled", resourceType="codebuild", resource="startBuild.sync", parameters="{}"
    )
    events.add(
        "TaskSubmitted",
        resourceType="codebuild",
        resource="startBuild.sync",
        output=json.dumps({"Build": {"Id": "faces:0ee0"}}),
    )
    events.add("TaskStateExited", name="Build")
    events.add("TaskStateEntered", name="Ask")
    events.add("LambdaFunctionScheduled", resource="arn:aws:lambda:eu-west-1:1:function:ask:3")
    events.add("TaskStateExited", name="Ask")
    events.add("TaskStateEntered", name="Model")
    events.add(
        "TaskScheduled",
        resourceType="aws-sdk:sagemaker",
        resource="describeTrainingJob",
        parameters=json.dumps({"TrainingJobName": "other"}),
    )
    events.add("TaskStateExited", name="Model")
    events.add("TaskStateEntered", name="Inner")
    arn = "arn:aws:states:eu-west-1:1:execution:inner:x"
    events.add("TaskSubmitted", resourceType="states", output=json.dumps({"ExecutionArn": arn}))
    assert work(events.made) == {
        "Train": Work("training job", "faces-1", "byoa logs faces-1"),
        "Build": Work("build", "faces:0ee0", "aws logs tail /aws/codebuild/faces"),
        "Ask": Work("function", "ask", "aws logs tail /aws/lambda/ask"),
        "Inner": Work("execution", "x", f"byoa workflow watch {arn}"),
    }


def test_a_reason_does_nothing_to_a_terminal():
    assert reason("States.TaskFailed", "gone\x1b[2J\x9b now\n") == "gone [2J now"
