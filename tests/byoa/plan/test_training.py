from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.training import Channel, TrainingJob, training_request
from tests.byoa.plan import made_up
from tests.byoa.plan.service_model import accepted

JOB = TrainingJob(
    name="task-20261122-080500-1a2b3c",
    image="demo:latest",
    role=made_up.ROLE,
    output="s3://bucket/demo/task",
    channels=[Channel(name="training", uri="s3://bucket/data/")],
    hyperparameters={"epochs": "3"},
    checkpoints="s3://bucket/demo/task/state/",
    tags={"byoa:task": "task", "byoa:project": "demo"},
    metrics=[("loss", r"loss=([0-9.]+)")],
)


def request(job: TrainingJob = JOB, **fields: Any) -> dict[str, Any]:
    return accepted("sagemaker", "CreateTrainingJob", training_request(replace(job, **fields)))


def refused(**fields: Any) -> str:
    with pytest.raises(UsageError) as caught:
        training_request(replace(JOB, **fields))
    return str(caught.value)


def test_a_usual_job_word_for_word():
    assert request() == {
        "TrainingJobName": "task-20261122-080500-1a2b3c",
        "AlgorithmSpecification": {
            "TrainingImage": "demo:latest",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}],
        },
        "RoleArn": made_up.ROLE,
        "InputDataConfig": [
            {
                "ChannelName": "training",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://bucket/data/",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
                "InputMode": "File",
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/demo/task"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400, "MaxWaitTimeInSeconds": 86_400},
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {
            "S3Uri": "s3://bucket/demo/task/state/",
            "LocalPath": "/opt/ml/checkpoints",
        },
        "EnableNetworkIsolation": False,
        "HyperParameters": {"epochs": "3"},
        "ProfilerConfig": {"DisableProfiler": True},
        "Tags": [
            {"Key": "byoa:project", "Value": "demo"},
            {"Key": "byoa:task", "Value": "task"},
        ],
    }


@pytest.mark.parametrize(("wait", "meant"), [(None, 3600), (60, 3600), (7200, 7200)])
def test_spot_waits_at_least_as_long_as_it_runs(wait: int | None, meant: int):
    stop = request(max_run=3600, max_wait=wait)["StoppingCondition"]
    assert stop == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": meant}


def test_on_demand_waits_for_nothing():
    made = request(spot=False, max_wait=60)
    assert made["EnableManagedSpotTraining"] is False
    assert "MaxWaitTimeInSeconds" not in made["StoppingCondition"]


def test_candidates_are_tried_in_their_order():
    made = request(spot=False, instance_candidates=["ml.m5.xlarge", "ml.m5.large", "ml.c5.xlarge"])
    assert made["ResourceConfig"] == {
        "InstancePreferences": [
            {"InstanceType": "ml.m5.large"},
            {"InstanceType": "ml.m5.xlarge"},
            {"InstanceType": "ml.c5.xlarge"},
        ],
        "InstanceCount": 1,
        "VolumeSizeInGB": 30,
    }


@pytest.mark.parametrize(("kind", "key"), [("ml.m5.large", True), ("ml.g5.xlarge", False)])
def test_a_key_encrypts_the_volume_where_there_is_one(kind: str, key: bool):
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    made = request(kms_key=arn, instance_type=kind)
    assert made["OutputDataConfig"]["KmsKeyId"] == arn
    assert ("VolumeKmsKeyId" in made["ResourceConfig"]) is key


def test_a_channel_may_be_anything_that_aws_reads():
    efs = {
        "FileSystemId": "fs-01234567",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "EFS",
        "DirectoryPath": "/data",
    }
    names = ("fast", "shard", "list", "pipe", "disk")
    channels = [Channel(name=name, uri=f"s3://b/{name}/") for name in names]
    channels[0] = replace(channels[0], mode="FastFile")
    channels[1] = replace(channels[1], distribution="ShardedByS3Key")
    labelled = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["image", "label"]}
    extra = {
        "InputDataConfig": {
            "shard": {"ShuffleConfig": {"Seed": 0}},
            "list": {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile"}}},
            "pipe": {
                "InputMode": "Pipe",
                "DataSource": {"S3DataSource": labelled},
                "CompressionType": "Gzip",
                "RecordWrapperType": "RecordIO",
            },
            "disk": {"DataSource": {"S3DataSource": None, "FileSystemDataSource": efs}},
        }
    }
    made = request(channels=channels, extra=extra)["InputDataConfig"]
    assert made[1]["ShuffleConfig"] == {"Seed": 0}
    assert made[3]["DataSource"]["S3DataSource"]["AttributeNames"] == ["image", "label"]
    assert made[4] == {
        "ChannelName": "disk",
        "DataSource": {"FileSystemDataSource": efs},
        "InputMode": "File",
    }


#: Fields of AWS's page that have no field of ours: each arrives where it belongs.
EVERY_OTHER_FIELD = [
    {"RetryStrategy": {"MaximumRetryAttempts": 3}},
    {"RemoteDebugConfig": {"EnableRemoteDebug": True}},
    {"InfraCheckConfig": {"EnableInfraCheck": True}},
    {"SessionChainingConfig": {"EnableSessionTagChaining": True}},
    {"TensorBoardOutputConfig": {"LocalPath": "/opt/tb", "S3OutputPath": "s3://b/tb"}},
    {"ProfilerConfig": {"DisableProfiler": False, "S3OutputPath": "s3://b/p"}},
    {"DebugHookConfig": {"S3OutputPath": "s3://b/d", "HookParameters": {"a": "1"}}},
    {"ExperimentConfig": {"ExperimentName": "e", "TrialName": "t", "RunName": "r"}},
    {"EnableInterContainerTrafficEncryption": True},
    {"StoppingCondition": {"MaxPendingTimeInSeconds": 7200}},
    {"OutputDataConfig": {"CompressionType": "NONE"}},
    {"AlgorithmSpecification": {"EnableSageMakerMetricsTimeSeries": True}},
    {
        "AlgorithmSpecification": {
            "TrainingImageConfig": {
                "TrainingRepositoryAccessMode": "Vpc",
                "TrainingRepositoryAuthConfig": {
                    "TrainingRepositoryCredentialsProviderArn": (
                        "arn:aws:lambda:us-east-1:123456789012:function:f"
                    )
                },
            }
        }
    },
    {
        "AlgorithmSpecification": {
            "TrainingImage": None,
            "AlgorithmName": "arn:aws:sagemaker:us-east-1:123456789012:algorithm/a",
        }
    },
    {"ResourceConfig": {"KeepAlivePeriodInSeconds": 600}, "EnableManagedSpotTraining": False},
    {
        "ResourceConfig": {
            "TrainingPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p"
        }
    },
    {
        "ResourceConfig": {
            "InstanceType": None,
            "InstanceCount": None,
            "InstanceGroups": [
                {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "InstanceGroupName": "cpu"},
                {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "InstanceGroupName": "gpu"},
            ],
        }
    },
    {
        "MlflowConfig": {
            "MlflowResourceArn": (
                "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/x"
            )
        }
    },
    {"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
]


@pytest.mark.parametrize("extra", EVERY_OTHER_FIELD, ids=",".join)
def test_every_other_field_is_reached_by_extra(extra: dict[str, Any]):
    spot = extra.pop("EnableManagedSpotTraining", True)
    made = request(extra=extra, spot=spot)

    def arrives(wanted: Any, found: Any) -> None:
        for key, value in wanted.items():
            if isinstance(value, dict):
                arrives(value, found[key])
            elif value is None:
                assert key not in found
            else:
                assert found[key] == value

    arrives(extra, made)


def test_no_field_of_the_page_is_out_of_reach():
    """`extra` merges over the whole request; so every member that botocore knows can be given."""
    from tests.byoa.plan.service_model import model

    members = model("sagemaker").operation_model("CreateTrainingJob").input_shape.members
    assert set(training_request(JOB)) <= set(members)


def channel(extra: dict[str, Any]) -> dict[str, Any]:
    return {"extra": {"InputDataConfig": {"training": extra}}}


def kind(data_type: str) -> dict[str, Any]:
    return {"DataSource": {"S3DataSource": {"S3DataType": data_type}}}


CONTRADICTIONS = [
    ({"keep_alive": 600}, "say --no_spot"),
    ({"instance_candidates": ["ml.m5.xlarge"]}, "say --no_spot"),
    (
        {"spot": False, "extra": {"StoppingCondition": {"MaxWaitTimeInSeconds": 9}}},
        "only spot waits",
    ),
    ({"extra": {"StoppingCondition": {"MaxWaitTimeInSeconds": 9}}}, "MaxRuntimeInSeconds (86400)"),
    ({"extra": {"StoppingCondition": {"MaxWaitTimeInSeconds": None}}}, "spot needs"),
    ({"instance_count": 0}, "at least 1"),
    (
        {"image": "a", "extra": {"AlgorithmSpecification": {"AlgorithmName": "b"}}},
        "give one of them",
    ),
    ({"extra": {"AlgorithmSpecification": {"TrainingImage": None}}}, "give one of them"),
    ({"metrics": [("loss", "loss=[0-9]+")]}, "put ( ) around"),
    ({"metrics": [("loss", r"loss=\([0-9]+\)")]}, "put ( ) around"),
    ({"metrics": [("loss", "loss=(?:[0-9]+)")]}, "put ( ) around"),
    ({"metrics": [(f"m{i}", "(x)") for i in range(41)]}, "at most 40"),
    ({"metrics": [("m", f"({'x' * 500})")]}, "at most 500"),
    ({"tags": {"aws:mine": "x"}}, "not aws: at its begin"),
    ({"tags": {f"k{i}": "" for i in range(51)}}, "at most 50"),
    ({"channels": [Channel(name=f"c{i}", uri="s3://b/") for i in range(21)]}, "at most 20"),
    ({"channels": [Channel(name="a", uri="s3://b/")] * 2}, "twice"),
    ({"channels": [Channel(name="a", uri="s3://b/x", mode="FastFile")]}, "end it in /"),
    (channel({"InputMode": "FastFile", **kind("ManifestFile")}), "S3Prefix only"),
    (channel({"CompressionType": "Gzip"}), "only mode Pipe"),
    (channel({"RecordWrapperType": "RecordIO"}), "only mode Pipe"),
    (channel(kind("AugmentedManifestFile")), "take mode Pipe"),
    ({"extra": {"InputDataConfig": {"train": {}}}}, "there is training"),
    ({"subnets": ["subnet-1"]}, "VpcConfig.SecurityGroupIds"),
    ({"hyperparameters": {"a": "x" * 2501}}, "at most 2,500"),
    ({"environment": {"A": "x" * 513}}, "at most 512"),
    (
        {
            "spot": False,
            "instance_candidates": ["ml.c5.xlarge"],
            "extra": {"ResourceConfig": {"InstanceType": "ml.m5.large"}},
        },
        "drop one",
    ),
    (
        {
            "spot": False,
            "extra": {
                "ResourceConfig": {
                    "InstanceType": None,
                    "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 1}],
                }
            },
        },
        "never both",
    ),
    (
        {
            "spot": False,
            "extra": {
                "ResourceConfig": {
                    "InstanceType": None,
                    "InstancePreferences": [{"InstanceType": "ml.m5.large"}] * 2,
                }
            },
        },
        "ml.m5.large twice",
    ),
    (
        {
            "spot": False,
            "keep_alive": 60,
            "extra": {
                "ResourceConfig": {
                    "InstanceType": None,
                    "InstanceCount": None,
                    "InstanceGroups": [
                        {
                            "InstanceType": "ml.m5.large",
                            "InstanceCount": 1,
                            "InstanceGroupName": "a",
                        }
                    ],
                }
            },
        },
        "KeepAlivePeriodInSeconds and InstanceGroups",
    ),
]


@pytest.mark.parametrize(("fields", "said"), CONTRADICTIONS)
def test_contradictions_are_told_before_anything_is_sent(fields: dict[str, Any], said: str):
    assert said in refused(**fields)


CHANNELS = st.builds(
    Channel,
    name=made_up.ANY_NAMES,
    uri=made_up.FOLDERS | made_up.FOLDERS | made_up.URIS | made_up.TEXTS,
    distribution=st.sampled_from(["FullyReplicated", "ShardedByS3Key"]),
    mode=st.sampled_from(["File", "FastFile", "Pipe"]),
    content_type=st.none() | made_up.TEXTS,
)
JOBS = st.builds(
    TrainingJob,
    name=made_up.ANY_NAMES,
    image=made_up.NAMES | made_up.TEXTS,
    role=st.just(made_up.ROLE),
    output=made_up.URIS,
    channels=st.lists(CHANNELS, max_size=2),
    hyperparameters=made_up.MAPS,
    instance_type=made_up.TYPES,
    instance_candidates=st.lists(made_up.TYPES, max_size=2),
    instance_count=made_up.COUNTS,
    volume_gb=st.integers(1, 500),
    max_run=made_up.SECONDS,
    spot=st.booleans(),
    max_wait=st.none() | made_up.SECONDS,
    checkpoints=st.none() | made_up.FOLDERS,
    environment=made_up.MAPS,
    tags=made_up.TAGS,
    metrics=st.lists(st.tuples(made_up.NAMES, st.just("x=(.*)")), max_size=2),
    entrypoint=made_up.WORDS,
    arguments=made_up.WORDS,
    isolation=st.booleans(),
    subnets=made_up.NETWORKS,
    security_groups=made_up.GROUPS,
    keep_alive=st.just(0) | st.integers(0, 30_000),
    kms_key=made_up.KEYS,
    tensorboard=st.none() | made_up.URIS,
)


@given(JOBS)
def test_whatever_is_accepted_aws_accepts(job: TrainingJob):
    try:
        made = training_request(job)
    except UsageError as error:
        assert " - " in str(error), "what is wrong, then what to do"
        return
    accepted("sagemaker", "CreateTrainingJob", made)
    stop = made["StoppingCondition"]
    assert ("MaxWaitTimeInSeconds" in stop) is job.spot
    assert stop.get("MaxWaitTimeInSeconds", job.max_run) >= job.max_run
