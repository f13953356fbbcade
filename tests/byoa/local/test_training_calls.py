"""What create_training_job refuses; describe, list, stop, delete and tags."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.errors import ServiceError
from tests.local_home import Home


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "bad name!"}, "Value 'bad name!' at 'trainingJobName' failed to satisfy"),
        ({"name": "-x"}, "failed to satisfy"),
        ({"name": "x" * 64}, "failed to satisfy"),
        ({"RoleArn": ""}, "RoleArn"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 200}}, "on-demand"),
        (
            {"CheckpointConfig": {"S3Uri": "s3://b/x", "LocalPath": "/opt/ml/../../etc"}},
            "Value '/opt/ml/../../etc' at 'LocalPath' is no path in a container",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": "process://"}},
            "has no algorithm in it. Name its folder",
        ),
        ({"HyperParameters": {"a": 1}}, "'a' is 1. Make it a string"),
        (
            {"Tags": [{"Key": "byoa:interrupt-after", "Value": "soon"}]},
            "is 'soon'. Give it seconds: 30, or 30,60.",
        ),
        (
            {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "x", "Regex": "("}]}},
            "Regex '(' of metric 'x'",
        ),
    ],
)
def test_what_create_refuses(home: Home, changed: dict[str, Any], said: str):
    with pytest.raises(ServiceError) as caught:
        home.start(**changed)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert said in str(caught.value)
    assert home.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_pipe_mode_is_refused_in_one_sentence(home: Home):
    channel = home.channel("training", home.uri("x/"), "Pipe")
    with pytest.raises(ServiceError, match="Pipe mode is not carried out here"):
        home.start(InputDataConfig=[channel])


def test_a_channel_cannot_lead_out_of_its_folder(home: Home):
    with pytest.raises(ServiceError, match="no name of a channel"):
        home.start(InputDataConfig=[home.channel("..", home.uri("x/"))])


def test_one_name_is_taken_once(home: Home):
    home.train()
    with pytest.raises(ServiceError) as caught:
        home.start()
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"


def test_what_is_not_there(home: Home):
    for name in ("nobody", "../../etc"):
        with pytest.raises(ServiceError, match="Requested resource not found"):
            home.describe(name)
    home.train()
    with pytest.raises(ServiceError, match="in status Completed"):
        home.sagemaker.stop_training_job(TrainingJobName="job")


def test_lists_and_tags(home: Home):
    for name in ("alpha", "beta"):
        home.start(name, HyperParameters={"steps": "1"}, Tags=[{"Key": "byoa:task", "Value": name}])
    for name in ("alpha", "beta"):
        home.wait(name)
    call = home.sagemaker.list_training_jobs
    names = [one["TrainingJobName"] for one in call()["TrainingJobSummaries"]]
    assert names == ["beta", "alpha"]  # the newest first
    first = call(MaxResults=1, SortBy="Name", SortOrder="Ascending")
    assert [one["TrainingJobName"] for one in first["TrainingJobSummaries"]] == ["alpha"]
    second = call(MaxResults=1, SortBy="Name", SortOrder="Ascending", NextToken=first["NextToken"])
    assert [one["TrainingJobName"] for one in second["TrainingJobSummaries"]] == ["beta"]
    assert "NextToken" not in second
    assert call(StatusEquals="InProgress")["TrainingJobSummaries"] == []
    assert len(call(NameContains="ALP")["TrainingJobSummaries"]) == 1
    arn = home.describe("alpha")["TrainingJobArn"]
    home.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "mine", "Value": "1"}])
    home.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["byoa:task"])
    assert home.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "mine", "Value": "1"}]
    home.sagemaker.delete_training_job(TrainingJobName="alpha")
    assert home.sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    assert len(call()["TrainingJobSummaries"]) == 1


def test_channels_that_cannot_be(home: Home):
    one = home.channel("a", home.uri("x/"))
    for said, channels in (
        ("Two channels have one name", [one, one]),
        (
            "only an S3DataSource",
            [{"ChannelName": "a", "DataSource": {"FileSystemDataSource": {}}}],
        ),
        ("only an S3DataSource", [{"ChannelName": "a"}]),
        (
            "FastFile reads an S3Prefix",
            [home.channel("a", "x", "FastFile", S3DataType="ManifestFile")],
        ),
        ("Pipe mode", [home.channel("a", "x", S3DataType="AugmentedManifestFile")]),
    ):
        with pytest.raises(ServiceError, match=said):
            home.start(InputDataConfig=channels)
