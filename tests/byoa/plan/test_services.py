"""The requests of ECR, CodeBuild, Batch and S3."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.batch import (
    BatchJob,
    ComputeEnvironment,
    compute_environment_request,
    job_definition_request,
    job_queue_request,
    submit_job_request,
    update_job_queue_request,
)
from byoa.plan.bucket import bucket_requests, default_bucket, region_of
from byoa.plan.codebuild import BuildProject, build_project_request, start_build_request
from byoa.plan.ecr import (
    ImageAddress,
    lifecycle_request,
    parse_image,
    registry_host,
    repository_request,
)
from byoa.plan.errors import UsageError
from tests.byoa.plan import made_up
from tests.byoa.plan.service_model import SESSION, accepted

TAGS = {"byoa:project": "demo"}


def test_a_bucket_is_encrypted_closed_and_versioned():
    steps = bucket_requests("byoa-demo", "eu-west-1", "123456789012", TAGS)
    assert [step for step, _ in steps] == [
        "create_bucket",
        "put_public_access_block",
        "put_bucket_encryption",
        "put_bucket_versioning",
        "put_bucket_tagging",
        "put_bucket_lifecycle_configuration",
    ]
    for step, request in steps:
        accepted("s3", step.title().replace("_", ""), request)
        if step != "create_bucket":
            assert request["ExpectedBucketOwner"] == "123456789012"
    made = dict(steps)
    assert made["create_bucket"] == {
        "Bucket": "byoa-demo",
        "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"},
    }
    block = made["put_public_access_block"]["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert len(block) == 4
    assert made["put_bucket_versioning"]["VersioningConfiguration"] == {"Status": "Enabled"}


def test_us_east_1_is_no_location():
    steps = bucket_requests("byoa-demo", "us-east-1", "123456789012", {})
    assert dict(steps)["create_bucket"] == {"Bucket": "byoa-demo"}
    assert "put_bucket_tagging" not in dict(steps)


@pytest.mark.parametrize(
    "name",
    [
        "Upper",
        "a_b",
        "ab",
        "a" * 64,
        "-ab",
        "a..b",
        "1.2.3.4",
        "xn--abc",
        "abc-s3alias",
        "a b",
        "a/b",
    ],
)
def test_a_bucket_name_that_s3_refuses(name: str):
    with pytest.raises(UsageError, match="3 to 63 small letters"):
        bucket_requests(name, "us-east-1", "123456789012", {})


def test_the_default_bucket_has_a_name_that_s3_takes():
    bucket_requests(default_bucket("123456789012", "ap-southeast-7"), "us-east-1", "1", {})


def test_a_buckets_region_is_read_from_whichever_answer():
    header = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}
    assert region_of(header) == "eu-west-1"
    assert region_of({"BucketRegion": "eu-west-2", **header}) == "eu-west-2"
    assert region_of({}) == "us-east-1"


@pytest.mark.parametrize("end", ["example.org", "amazon" + "aws.com.example.org", "amazonawsXcom"])
def test_a_host_that_only_looks_like_ecrs_is_no_account(end: str):
    """docker would send it the password of the registry."""
    assert parse_image(f"123456789012.dkr.ecr.us-east-1.{end}/demo:1").account == ""


def test_ecr():
    request = accepted("ecr", "CreateRepository", repository_request("demo/a", TAGS))
    assert request["imageScanningConfiguration"] == {"scanOnPush": True}
    lifecycle = accepted("ecr", "PutLifecyclePolicy", lifecycle_request("demo/a"))
    rules = json.loads(lifecycle["lifecyclePolicyText"])["rules"]
    # an endpoint names its image by digest: what has no tag any more may be what it runs
    assert [rule["selection"]["countType"] for rule in rules] == ["imageCountMoreThan"]
    with pytest.raises(UsageError, match="small letters"):
        repository_request("Demo", {})


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("demo", ImageAddress("", "", "", "demo", "", "")),
        ("demo:1", ImageAddress("", "", "", "demo", "1", "")),
        ("team/demo:1", ImageAddress("", "", "", "team/demo", "1", "")),
        ("localhost/demo", ImageAddress("localhost", "", "", "demo", "", "")),
        ("127.0.0.1:5000/demo:1", ImageAddress("127.0.0.1:5000", "", "", "demo", "1", "")),
        ("demo@sha256:ab", ImageAddress("", "", "", "demo", "", "sha256:ab")),
    ],
)
def test_an_images_address_in_parts(uri: str, parts: ImageAddress):
    assert parse_image(uri) == parts


@pytest.mark.parametrize(
    "region",
    [
        name
        for partition in SESSION.get_available_partitions()
        for name in SESSION.get_available_regions("ecr", partition)
    ],
)
def test_an_address_in_ecr(region: str):
    host = registry_host("123456789012", region)
    partitions = SESSION.get_component("data_loader").load_data("partitions")["partitions"]
    (suffix,) = (
        one["outputs"]["dnsSuffix"] for one in partitions if re.match(one["regionRegex"], region)
    )
    assert host.endswith("." + suffix)
    found = parse_image(f"{host}/team/demo:v1@sha256:00")
    assert (found.account, found.region) == ("123456789012", region)
    assert (found.repository, found.tag, found.digest) == ("team/demo", "v1", "sha256:00")


@pytest.mark.parametrize("uri", ["", "a b", "demo:a:b", "host:5000/", "$(x)"])
def test_what_is_no_image(uri: str):
    with pytest.raises(UsageError, match="is no image"):
        parse_image(uri)


@given(st.text(max_size=40))
def test_any_text_is_an_image_or_refused(text: str):
    try:
        assert parse_image(text).repository
    except UsageError:
        pass


def test_codebuild_builds_in_a_privileged_machine():
    project = BuildProject(
        name="byoa-demo",
        role=made_up.ROLE,
        source="s3://bucket/demo/source.zip",
        environment={"IMAGE": "demo:latest", "ALGORITHM": "x"},
        tags=TAGS,
        extra={"timeoutInMinutes": 60},
    )
    request = accepted("codebuild", "CreateProject", build_project_request(project))
    accepted("codebuild", "UpdateProject", request)
    assert request["environment"]["privilegedMode"] is True
    assert request["environment"]["environmentVariables"] == [
        {"name": "ALGORITHM", "value": "x", "type": "PLAINTEXT"},
        {"name": "IMAGE", "value": "demo:latest", "type": "PLAINTEXT"},
    ]
    assert request["source"] == {"type": "S3", "location": "bucket/demo/source.zip"}
    assert request["tags"] == [{"key": "byoa:project", "value": "demo"}]
    assert request["timeoutInMinutes"] == 60
    started = start_build_request("byoa-demo", "s3://bucket/a.zip", {"A": "b"})
    assert accepted("codebuild", "StartBuild", started) == {
        "projectName": "byoa-demo",
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": "bucket/a.zip",
        "environmentVariablesOverride": [{"name": "A", "value": "b", "type": "PLAINTEXT"}],
    }


MACHINES: dict[str, Any] = {
    "name": "gpus",
    "instance_role": "ecsInstanceRole",
    "subnets": ["subnet-1"],
    "security_groups": ["sg-1"],
}


def test_batch_machines_queue_job():
    spot = ComputeEnvironment(**MACHINES, gpu=True, tags=TAGS)
    request = accepted("batch", "CreateComputeEnvironment", compute_environment_request(spot))
    assert request["computeResources"]["type"] == "SPOT"
    assert request["computeResources"]["ec2Configuration"] == [{"imageType": "ECS_AL2023_NVIDIA"}]
    assert request["computeResources"]["minvCpus"] == 0
    assert request["tags"] == TAGS
    demand = compute_environment_request(ComputeEnvironment(**MACHINES, spot=False))
    assert demand["computeResources"]["allocationStrategy"] == "BEST_FIT_PROGRESSIVE"
    queue = accepted("batch", "CreateJobQueue", job_queue_request("q", ["spot", "demand"], TAGS))
    assert queue["computeEnvironmentOrder"][1] == {"order": 2, "computeEnvironment": "demand"}
    fargate = compute_environment_request(ComputeEnvironment(**MACHINES, fargate=True, tags=TAGS))
    assert accepted("batch", "CreateComputeEnvironment", fargate)["computeResources"] == {
        "type": "FARGATE_SPOT",
        "maxvCpus": 16,
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
    }
    changed = update_job_queue_request("q", ["other"])
    assert accepted("batch", "UpdateJobQueue", changed)["state"] == "ENABLED"
    job = BatchJob(
        name="train", image="demo", command=["train"], gpus=1, attempts=3, timeout=3600,
        environment={"A": "1"}, extra={"containerProperties": {"ulimits": []}},
    )  # fmt: skip
    definition = accepted("batch", "RegisterJobDefinition", job_definition_request(job))
    assert definition["containerProperties"]["resourceRequirements"] == [
        {"type": "VCPU", "value": "1"},
        {"type": "MEMORY", "value": "2048"},
        {"type": "GPU", "value": "1"},
    ]
    assert definition["retryStrategy"]["attempts"] == 3
    assert definition["retryStrategy"]["evaluateOnExit"][-1] == {"onReason": "*", "action": "EXIT"}
    serverless = BatchJob(name="a", image="b", fargate=True, execution_role="arn:aws:iam::1:role/x")
    definition = accepted("batch", "RegisterJobDefinition", job_definition_request(serverless))
    assert definition["platformCapabilities"] == ["FARGATE"]
    assert definition["containerProperties"]["networkConfiguration"] == {
        "assignPublicIp": "ENABLED"
    }
    once = job_definition_request(BatchJob(name="train", image="demo"))
    assert once["retryStrategy"] == {"attempts": 1}
    submitted = submit_job_request("j", "q", "train", depends_on=["a", "b"], size=10)
    assert accepted("batch", "SubmitJob", submitted) == {
        "jobName": "j",
        "jobQueue": "q",
        "jobDefinition": "train",
        "dependsOn": [{"jobId": "a"}, {"jobId": "b"}],
        "arrayProperties": {"size": 10},
    }


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: submit_job_request("a b", "q", "d"), "up to 128 letters"),
        (lambda: submit_job_request("j", "q", "d", depends_on=["x"] * 21), "21 entries"),
        (lambda: submit_job_request("j", "q", "d", size=1), "at least 2"),
        (lambda: job_definition_request(BatchJob(name="j", image="i", attempts=11)), "at most 10"),
        (lambda: job_definition_request(BatchJob(name="j", image="i", timeout=9)), "at least 60"),
        (
            lambda: job_definition_request(
                BatchJob(name="j", image="i", environment={"AWS_BATCH_X": "1"})
            ),
            "Batch's own",
        ),
    ],
)
def test_what_batch_refuses(call: Any, said: str):
    with pytest.raises(UsageError) as caught:
        call()
    assert said in str(caught.value)
