from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.tuning import Tuning, tuning_request
from tests.byoa.plan.service_model import accepted
from tests.byoa.plan.test_training import JOB

SCHEMA = {
    "hyperparameters": [
        {"name": "learning_rate", "kind": "number"},
        {"name": "batch_size", "kind": "integer", "minimum": 1, "maximum": 64},
        {"name": "optimizer", "kind": "choice", "choices": ["sgd", "adamw"]},
        {"name": "deterministic", "kind": "flag"},
        {"name": "milestones", "kind": "integers"},
    ]
}
TUNING = Tuning(
    name="search",
    job=replace(JOB, hyperparameters={"epochs": "3", "batch_size": "2"}),
    metric="loss",
    schema=SCHEMA,
    ranges={
        "learning_rate": ("0.001", "0.1", "Logarithmic"),
        "batch_size": ("1", "8"),
        "optimizer": ("sgd", "adamw"),
        "deterministic": ("true", "false"),
    },
)


def made(**fields: Any) -> dict[str, Any]:
    request = tuning_request(replace(TUNING, **fields))
    return accepted("sagemaker", "CreateHyperParameterTuningJob", request)


def test_ranges_are_of_the_kind_that_the_schema_says():
    request = made()
    config = request["HyperParameterTuningJobConfig"]
    assert config["ParameterRanges"] == {
        "ContinuousParameterRanges": [
            {
                "Name": "learning_rate",
                "MinValue": "0.001",
                "MaxValue": "0.1",
                "ScalingType": "Logarithmic",
            }
        ],
        "IntegerParameterRanges": [
            {"Name": "batch_size", "MinValue": "1", "MaxValue": "8", "ScalingType": "Auto"}
        ],
        "CategoricalParameterRanges": [
            {"Name": "optimizer", "Values": ["sgd", "adamw"]},
            {"Name": "deterministic", "Values": ["true", "false"]},
        ],
    }
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Minimize", "MetricName": "loss"}
    definition = request["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"] == {"epochs": "3"}
    assert definition["EnableManagedSpotTraining"] is True
    assert definition["CheckpointConfig"]["S3Uri"] == "s3://bucket/demo/task/state/"


def test_the_jobs_and_the_search_have_extras_of_their_own():
    request = made(
        job=replace(TUNING.job, extra={"RetryStrategy": {"MaximumRetryAttempts": 2}}),
        extra={"WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "before"}],
            "WarmStartType": "TransferLearning",
        }},
    )  # fmt: skip
    assert request["TrainingJobDefinition"]["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert request["WarmStartConfig"]["WarmStartType"] == "TransferLearning"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ranges": {"milestones": ("1", "2")}}, "cannot be searched over - take one of learning"),
        ({"ranges": {"speed": ("1", "2")}}, "cannot be searched over"),
        ({"ranges": {"batch_size": ("1",)}}, "give its least and most"),
        ({"ranges": {"batch_size": ("1", "65")}}, "from 1 to 64"),
        ({"ranges": {"optimizer": ("sgd", "lion")}}, "one of sgd, adamw"),
        ({"metric": "accuracy"}, "the job reports loss"),
        ({"jobs": 2, "parallel": 3}, "take at most that"),
        ({"name": "x" * 33}, "at most 32"),
        ({"strategy": "Guess"}, "AWS does not take"),
        ({"job": replace(JOB, keep_alive=60)}, "--no_spot"),
    ],
)
def test_what_aws_would_refuse(fields: dict[str, Any], said: str):
    with pytest.raises(UsageError) as caught:
        made(**fields)
    assert said in str(caught.value)
