"""train_model and preprocess_data: one token, one job, one answer."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from byoa.plan.asked import PreprocessData, TrainModel, TryAgainError, answered
from byoa.plan.asked_jobs import Here
from byoa.plan.errors import JobFailedError, UsageError
from infrastructure.lambdas.preprocess_data.handler import preprocess
from infrastructure.lambdas.train_model.handler import train
from tests.byoa.sandbox.conftest import ALGORITHM
from tests.infrastructure.conftest import FunctionError, Stack

HERE = Here(project="cells", bucket="b", role="arn:aws:iam::123456789012:role/jobs")
TRAINING = TrainModel(image="image:1", channels={"training": "s3://b/data/"})
DESCRIBED: dict[str, Any] = {
    "TrainingJobName": "x", "TrainingJobStatus": "InProgress", "SecondaryStatus": "Training",
    "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/x",
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"}, "StoppingCondition": {},
    "CreationTime": datetime(2026, 11, 22),
}  # fmt: skip
MISSING = ("ValidationException", "Requested resource not found.")


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client(
        "sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def scripted(sagemaker: Any, *steps: Any) -> Stubber:
    stub = Stubber(sagemaker)
    for method, answer in steps:
        if isinstance(answer, tuple):
            stub.add_client_error(method, *answer)
        else:
            stub.add_response(method, answer)
    stub.activate()
    return stub


def test_two_that_start_the_same_at_once_have_one_job(sagemaker: Any):
    stub = scripted(
        sagemaker,
        ("describe_training_job", MISSING),
        ("create_training_job", ("ResourceInUse", "names must be unique")),
        ("describe_training_job", DESCRIBED),
    )
    assert not train(TRAINING, HERE, sagemaker)["Done"]
    stub.assert_no_pending_responses()


def test_that_nobody_may_look_is_not_that_nothing_is_there(sagemaker: Any):
    stub = scripted(sagemaker, ("describe_training_job", ("AccessDeniedException", "no")))
    with pytest.raises(Exception, match="AccessDenied"):
        train(TRAINING, HERE, sagemaker)
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_that_ended_badly_is_an_error_and_not_started_again(sagemaker: Any, status: str):
    ended = {**DESCRIBED, "TrainingJobStatus": status, "FailureReason": "AlgorithmError: no data"}
    scripted(sagemaker, *[("describe_training_job", ended)] * 2)
    with pytest.raises(JobFailedError, match=rf"The job x is {status}: AlgorithmError: no data\. "):
        train(TRAINING, HERE, sagemaker)


def test_busy_services_are_told_apart(sagemaker: Any):
    scripted(sagemaker, ("describe_training_job", ("ThrottlingException", "slow down")))
    with pytest.raises(TryAgainError):
        answered(lambda: train(TRAINING, HERE, sagemaker))


def test_a_wrong_request_is_told_before_anything_is_sent(sagemaker: Any):
    stub = scripted(sagemaker)
    with pytest.raises(UsageError, match=r"ResourceConfig\.InstanceType"):
        train(TrainModel(image="i", instance_type="ml.m5.largo"), HERE, sagemaker)
    with pytest.raises(UsageError, match="a folder"):
        preprocess(PreprocessData(image="i", code="s3://b/code/"), HERE, sagemaker)
    stub.assert_no_pending_responses()


def done(stack: Stack, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """The same event until it is done, as a state machine sends it."""
    until = time.monotonic() + 90
    while not (answer := stack.invoke(kind, event))["Done"]:
        assert time.monotonic() < until, answer
        time.sleep(0.3)
    return dict(answer)


def test_training_in_lambda_itself(stack: Stack):
    data = stack.put("data/train/one.txt", b"1 2 3\n").rpartition("/")[0] + "/"
    event = {
        "Image": ALGORITHM, "Channels": {"training": data}, "Hyperparameters": {"steps": 2},
        "Metrics": {"loss": "loss=([0-9.]+)"}, "ClientRequestToken": "run-1",
    }  # fmt: skip
    first = stack.invoke("train-model", event)
    name = first["TrainingJobName"]
    assert name.startswith("cells-train-") and len(name) <= 63
    again = done(stack, "train-model", event)
    assert again["TrainingJobName"] == name
    assert again["TrainingJobStatus"] == "Completed"
    assert again["ModelArtifacts"] == (
        f"s3://{stack.names.bucket}/models/{name}/output/model.tar.gz"
    )
    assert stack.get(f"models/{name}/output/model.tar.gz")
    assert stack.invoke("train-model", event) == again
    other = stack.invoke("train-model", {**event, "ClientRequestToken": "run-2"})
    assert other["TrainingJobName"] != name
    described = stack.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert described["RoleArn"] == stack.names.role_arn("jobs")
    assert described["HyperParameters"] == {"steps": "2"}
    tags = stack.client("sagemaker").list_tags(ResourceArn=described["TrainingJobArn"])["Tags"]
    assert {"Key": "byoa:project", "Value": "cells"} in tags
    done(stack, "train-model", {**event, "ClientRequestToken": "run-2"})


def test_processing_in_lambda_itself(stack: Stack):
    code = stack.put(
        "incoming/code/double.py",
        b"import pathlib, sys\n"
        b"text = pathlib.Path(sys.argv[1], 'one.csv').read_text()\n"
        b"pathlib.Path(sys.argv[2], 'two.csv').write_text(text * 2)\n",
    )
    numbers = stack.put("data/numbers/one.csv", b"1,2\n").rpartition("/")[0] + "/"
    event = {
        "Image": "process://", "Code": code, "Inputs": {"numbers": numbers},
        "Outputs": {"doubled": f"s3://{stack.names.bucket}/data/doubled"}, "Name": "double",
        "Arguments": ["/opt/ml/processing/input/numbers", "/opt/ml/processing/output/doubled"],
    }  # fmt: skip
    answer = done(stack, "preprocess-data", event)
    assert answer["ProcessingJobName"].startswith("double-")
    assert answer["Outputs"] == event["Outputs"]
    assert stack.get("data/doubled/two.csv") == b"1,2\n1,2\n"
    assert stack.invoke("preprocess-data", event) == answer


def test_what_fails_in_lambda_says_why(stack: Stack):
    bad = stack.put("incoming/code/bad.py", b"raise SystemExit('nothing to split')\n")
    event = {"Image": "process://", "Code": bad}
    with pytest.raises(FunctionError, match=r"^JobFailedError: The job .* is Failed: ") as error:
        done(stack, "preprocess-data", event)
    assert "give another ClientRequestToken" in error.value.text
    with pytest.raises(FunctionError, match=r"UsageError: The event has no Image\. Give one"):
        stack.invoke("train-model", {})
    with pytest.raises(
        FunctionError, match=r"UsageError: InstanceCount is '2'\. Give a whole number"
    ):
        stack.invoke("train-model", {"Image": "i", "InstanceCount": "2"})
