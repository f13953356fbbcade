"""boto3 against the sandbox: jobs and endpoints run for real, on its S3, logs in CloudWatch."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import ALGORITHM, Clients, refused

GROUP = "/aws/sagemaker/TrainingJobs"
PICTURE = bytes(range(256)) * 40 + b"\r\n\x00\xff"


def training(name: str, role: str, bucket: str, **more: Any) -> dict[str, Any]:
    """A request for a job that adds up the numbers in s3://BUCKET/numbers/."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/numbers/"}
    return {
        "TrainingJobName": name,
        "RoleArn": role,
        "AlgorithmSpecification": {"TrainingImage": ALGORITHM, "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 5,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        **more,
    }


def ended(client: Clients, name: str, seconds: float = 60) -> dict[str, Any]:
    sagemaker, end = client("sagemaker"), time.monotonic() + seconds
    while True:
        found: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        if found["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"}:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.2)


@pytest.fixture(scope="module")
def numbers(client: Clients, bucket: str) -> str:
    client("s3").put_object(Bucket=bucket, Key="numbers/a.txt", Body=b"1\n2\n")
    client("s3").put_object(Bucket=bucket, Key="numbers/b.txt", Body=b"4\n")
    return bucket


@pytest.fixture(scope="module")
def trained(client: Clients, role: str, numbers: str) -> dict[str, Any]:
    request = training("trained", role, numbers, HyperParameters={"factor": "3"})
    request["Tags"] = [{"Key": "byoa:project", "Value": "tests"}]
    request["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "loss", "Regex": r"loss=([0-9.]+)"}
    ]
    client("sagemaker").create_training_job(**request)
    return ended(client, "trained")


def test_a_job_reads_s3_and_writes_its_model_to_s3(
    client: Clients, trained: dict[str, Any], bucket: str
):
    assert trained["TrainingJobStatus"] == "Completed", trained
    key = "out/trained/output/model.tar.gz"
    assert trained["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/{key}"
    packed = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        model = json.load(archive.extractfile("model.json"))  # type: ignore[arg-type]
    assert model["total"] == 7 and model["factor"] == 3


def test_the_description_is_what_was_asked_and_what_happened(trained: dict[str, Any]):
    assert trained["AlgorithmSpecification"]["TrainingImage"] == ALGORITHM
    assert trained["FinalMetricDataList"][0]["MetricName"] == "loss"
    assert trained["CreationTime"].tzinfo is not None
    assert trained["BillableTimeInSeconds"] >= 1
    steps = [step["Status"] for step in trained["SecondaryStatusTransitions"]]
    assert steps[0] == "Starting" and steps[-1] == "Completed"


def test_its_lines_are_in_cloudwatch(client: Clients, trained: dict[str, Any]):
    logs = client("logs")
    assert GROUP in [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="trained/")
    (stream,) = streams["logStreams"]
    assert stream["logStreamName"].startswith("trained/algo-1-")
    events = logs.get_log_events(
        logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True
    )
    lines = [event["message"] for event in events["events"]]
    assert "starting at step 0" in lines and "step=3; loss=0.3333;" in lines
    found = logs.filter_log_events(logGroupName=GROUP, filterPattern="loss")["events"]
    assert len([event for event in found if event["logStreamName"] in stream["logStreamName"]]) == 3
    again = logs.get_log_events(
        logGroupName=GROUP,
        logStreamName=stream["logStreamName"],
        nextToken=events["nextForwardToken"],
    )
    assert again["events"] == [] and again["nextForwardToken"] == events["nextForwardToken"]


def test_tags_and_lists(client: Clients, trained: dict[str, Any]):
    sagemaker = client("sagemaker")
    tags = sagemaker.list_tags(ResourceArn=trained["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "byoa:project", "Value": "tests"}]
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains="trained")
    assert [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]] == [
        "trained"
    ]


def test_regions_do_not_see_each_other(client: Clients, trained: dict[str, Any]):
    elsewhere = client("sagemaker", "eu-west-1")
    assert elsewhere.list_training_jobs()["TrainingJobSummaries"] == []
    code, _ = refused(elsewhere.describe_training_job, TrainingJobName="trained")
    assert code == "ValidationException"
    assert ":us-east-1:123456789012:" in trained["TrainingJobArn"]


def test_a_job_that_fails_says_why(client: Clients, role: str, numbers: str):
    request = training("fails", role, numbers, HyperParameters={"how": "fail"})
    client("sagemaker").create_training_job(**request)
    found = ended(client, "fails")
    assert found["TrainingJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("AlgorithmError:")


def test_a_job_can_be_stopped_and_keeps_its_model(
    client: Clients, trained: dict[str, Any], role: str, numbers: str
):
    request = training("stopped", role, numbers, HyperParameters={"how": "wait"})
    client("sagemaker").create_training_job(**request)
    logs, end = client("logs"), time.monotonic() + 30
    while True:  # until it waits, or the signal would end it before it listens
        found = logs.filter_log_events(logGroupName=GROUP, filterPattern="waiting")["events"]
        if any(event["logStreamName"].startswith("stopped/") for event in found):
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    client("sagemaker").stop_training_job(TrainingJobName="stopped")
    assert ended(client, "stopped")["TrainingJobStatus"] == "Stopped"
    key = "out/stopped/output/model.tar.gz"
    assert client("s3").head_object(Bucket=numbers, Key=key)["ContentLength"] > 0


def test_what_aws_refuses_is_refused_in_its_words(client: Clients, role: str, numbers: str):
    create = client("sagemaker").create_training_job
    code, text = refused(create, **training("bad name!", role, numbers))
    assert code == "ValidationException"
    assert text.startswith(
        "1 validation error detected: Value 'bad name!' at 'trainingJobName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: "
    )
    request = training("bogus", role, numbers)
    request["ResourceConfig"]["InstanceType"] = "ml.bogus"
    code, text = refused(create, **request)
    assert "at 'resourceConfig.instanceType'" in text and "Member must satisfy enum value" in text
    code, text = refused(create, **training("trained", role, numbers))
    assert code == "ResourceInUse" and "already exists" in text
    code, text = refused(create, **training("nobody", f"{role}-else", numbers))
    assert code == "ValidationException" and text.startswith(f"Could not assume role {role}-else")


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("create_hyper_parameter_tuning_job", "tuning"),
        ("create_notebook_instance", "notebook"),
        ("list_compilation_jobs", None),
    ],
)
def test_what_is_not_carried_out_says_so(client: Clients, role: str, operation: str, request_: Any):
    limits = {"MaxParallelTrainingJobs": 1}
    requests: dict[Any, dict[str, Any]] = {
        "tuning": {
            "HyperParameterTuningJobName": "x",
            "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": limits},
        },
        "notebook": {
            "NotebookInstanceName": "x",
            "InstanceType": "ml.t3.medium",
            "RoleArn": role,
        },
        None: {},
    }
    call = getattr(client("sagemaker"), operation)
    code, text = refused(call, **requests[request_])
    assert code in {"UnknownOperationException", "ValidationException"}, text
    assert "not implemented in the sandbox" in text or "not carried out here" in text


def test_records_that_only_moto_keeps(client: Clients):
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="models")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["models"]


@pytest.fixture(scope="module")
def endpoint(client: Clients, role: str, trained: dict[str, Any]) -> Iterator[str]:
    sagemaker = client("sagemaker")
    model = {"Image": ALGORITHM, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName="m", PrimaryContainer=model, ExecutionRoleArn=role)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="e", WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    yield "e"
    sagemaker.delete_endpoint(EndpointName="e")


@pytest.mark.slow
def test_an_endpoint_answers_bytes_as_they_are(client: Clients, endpoint: str):
    runtime = client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint, Body=PICTURE, ContentType="image/jpeg", CustomAttributes="a=b"
    )
    assert json.load(answer["Body"]) == {"bytes": len(PICTURE)}
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"7", ContentType="text/plain")
    assert json.load(answer["Body"]) == {"answer": 21.0}


@pytest.mark.slow
def test_the_runtimes_errors(client: Clients, endpoint: str):
    invoke = client("sagemaker-runtime").invoke_endpoint
    code, text = refused(invoke, EndpointName="nobody", Body=b"1")
    assert code == "ValidationError"
    assert text == "Endpoint nobody of account 123456789012 not found."
    big = b"0" * (26 * 1024 * 1024)
    code, _ = refused(invoke, EndpointName=endpoint, Body=big, ContentType="text/plain")
    assert code not in {"500", "InternalFailure"}
    logs = client("logs").describe_log_streams(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")
    assert logs["logStreams"][0]["logStreamName"].startswith("AllTraffic/")


@pytest.mark.slow
def test_an_asynchronous_endpoint_reads_and_writes_s3(client: Clients, endpoint: str, bucket: str):
    sagemaker, s3 = client("sagemaker"), client("s3")
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    output = {"S3OutputPath": f"s3://{bucket}/async"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="async",
        ProductionVariants=[variant],
        AsyncInferenceConfig={"OutputConfig": output},
    )
    sagemaker.create_endpoint(EndpointName="async", EndpointConfigName="async")
    try:
        waiter = sagemaker.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName="async", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        s3.put_object(Bucket=bucket, Key="picture", Body=PICTURE)
        answer = client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName="async", InputLocation=f"s3://{bucket}/picture", ContentType="image/png"
        )
        key = answer["OutputLocation"].removeprefix(f"s3://{bucket}/")
        s3.get_waiter("object_exists").wait(Bucket=bucket, Key=key, WaiterConfig={"Delay": 1})
        found = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
        assert found == {"bytes": len(PICTURE)}
    finally:
        sagemaker.delete_endpoint(EndpointName="async")


@pytest.mark.parametrize(
    "operation", ["list_training_jobs", "list_endpoints", "list_models", "list_transform_jobs"]
)
def test_a_made_up_token_is_refused(client: Clients, operation: str):
    code, text = refused(getattr(client("sagemaker"), operation), NextToken="zz")
    assert code == "ValidationException" and "NextToken" in text


def test_scaling_can_be_registered(client: Clients, endpoint: str):
    scaling = client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert found[0]["ResourceId"] == target["ResourceId"]
