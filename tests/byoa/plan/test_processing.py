from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.processing import (
    ProcessingInput,
    ProcessingJob,
    ProcessingOutput,
    processing_request,
)
from tests.byoa.plan import made_up
from tests.byoa.plan.service_model import accepted

DATA = ProcessingInput(name="data", uri="s3://b/data", path="/opt/ml/processing/input/data")
OUT = ProcessingOutput(name="output", uri="s3://b/out", path="/opt/ml/processing/output")


def made(**fields: Any) -> dict[str, Any]:
    job = ProcessingJob(name="p-1", image="demo", role=made_up.ROLE, **fields)
    return accepted("sagemaker", "CreateProcessingJob", processing_request(job))


def test_a_usual_job_word_for_word():
    state = ProcessingOutput(
        name="state", uri="s3://b/state", path="/opt/ml/processing/state", continuous=True
    )
    assert made(
        inputs=[DATA], outputs=[OUT, state], entrypoint=["python3", "x.py"], arguments=["a"]
    ) == {
        "ProcessingJobName": "p-1",
        "AppSpecification": {
            "ImageUri": "demo",
            "ContainerEntrypoint": ["python3", "x.py"],
            "ContainerArguments": ["a"],
        },
        "RoleArn": made_up.ROLE,
        "ProcessingInputs": [
            {
                "InputName": "data",
                "S3Input": {
                    "S3Uri": "s3://b/data",
                    "LocalPath": "/opt/ml/processing/input/data",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3DataDistributionType": "FullyReplicated",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "output",
                    "S3Output": {
                        "S3Uri": "s3://b/out",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                },
                {
                    "OutputName": "state",
                    "S3Output": {
                        "S3Uri": "s3://b/state",
                        "LocalPath": "/opt/ml/processing/state",
                        "S3UploadMode": "Continuous",
                    },
                },
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.t3.medium",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        "NetworkConfig": {"EnableNetworkIsolation": False},
    }


def test_what_aws_adds_is_reached_by_extra():
    athena = {
        "Catalog": "c",
        "Database": "d",
        "QueryString": "select 1",
        "OutputS3Uri": "s3://b/q",
        "OutputFormat": "PARQUET",
    }
    query = ProcessingInput(name="query", uri="", path="")
    dataset = {"AthenaDatasetDefinition": athena, "LocalPath": "/opt/ml/processing/query"}
    found = made(
        inputs=[DATA, query],
        extra={
            "ProcessingInputs": {
                "data": {"S3Input": {"S3InputMode": "Pipe"}},
                "query": {"S3Input": None, "DatasetDefinition": dataset},
            },
            "NetworkConfig": {"EnableInterContainerTrafficEncryption": True},
            "ExperimentConfig": {"ExperimentName": "e"},
        },
    )
    assert found["ProcessingInputs"][1]["DatasetDefinition"]["AthenaDatasetDefinition"] == athena
    assert found["ProcessingInputs"][0]["S3Input"]["S3InputMode"] == "Pipe"
    assert found["NetworkConfig"]["EnableInterContainerTrafficEncryption"] is True


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"inputs": [ProcessingInput(name="a", uri="s3://b/a", path="/data")]}, "not below"),
        (
            {"inputs": [ProcessingInput(name="a", uri="s3://b/a", path="/opt/ml/processing/../x")]},
            "not below",
        ),
        ({"inputs": [DATA, DATA]}, "has the InputName data twice"),
        (
            {"inputs": [DATA], "outputs": [replace(OUT, path=DATA.path)]},
            "the path /opt/ml/processing/input/data is taken twice",
        ),
        ({"max_run": 777_601}, "at most 777,600"),
        ({"instance_count": 0}, "at least 1"),
        ({"environment": {"A": "x" * 257}}, "at most 256"),
        (
            {"inputs": [
                ProcessingInput(name=f"i{i}", uri="s3://b/", path=f"/opt/ml/processing/{i}")
                for i in range(11)
            ]},
            "at most 10",
        ),
    ],
)  # fmt: skip
def test_contradictions_are_told(fields: dict[str, Any], said: str):
    with pytest.raises(UsageError) as caught:
        made(**fields)
    assert said in str(caught.value)


PATHS = st.sampled_from(
    ["/opt/ml/processing/a", "/opt/ml/processing/b/c", "/tmp/x", "/opt/ml/processing"]
)
JOBS = st.builds(
    ProcessingJob,
    name=made_up.ANY_NAMES,
    image=made_up.NAMES,
    role=st.just(made_up.ROLE),
    inputs=st.lists(
        st.builds(ProcessingInput, name=made_up.TEXTS, uri=made_up.URIS, path=PATHS), max_size=2
    ),
    outputs=st.lists(
        st.builds(ProcessingOutput, name=made_up.TEXTS, uri=made_up.URIS, path=PATHS), max_size=2
    ),
    entrypoint=made_up.WORDS,
    arguments=made_up.WORDS,
    instance_type=made_up.TYPES,
    instance_count=made_up.COUNTS,
    max_run=made_up.SECONDS,
    environment=made_up.MAPS,
    tags=made_up.TAGS,
    isolation=st.booleans(),
    subnets=made_up.NETWORKS,
    security_groups=made_up.GROUPS,
    kms_key=made_up.KEYS,
)


@given(JOBS)
def test_whatever_is_accepted_aws_accepts(job: ProcessingJob):
    try:
        request = processing_request(job)
    except UsageError as error:
        assert " - " in str(error)
        return
    accepted("sagemaker", "CreateProcessingJob", request)
