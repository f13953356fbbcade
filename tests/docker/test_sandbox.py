"""The whole road in the sandbox, once with boto3 and once with the AWS CLI, from an empty account.

A CodeBuild build runs the project's own buildspec.yml and build_and_push.sh and pushes to the
registry; that very image, by its digest, trains, serves, transforms and processes.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from byoa.local.sweep import LABEL
from byoa.sandbox import environment, lifecycle, sweep
from byoa.sandbox.state import State
from tests.small_image import ALGORITHM, small_image

__all__ = ["small_image"]
pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
AWS_CLI = Path(sys.executable).with_name("aws")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["sagemaker.amazonaws.com", "codebuild.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG ALGORITHM
COPY ${ALGORITHM}/ /opt/byoa/${ALGORITHM}/
LABEL byoa.test.road=1
"""
BUCKET, REPOSITORY = "road", "road/small"
#: A picture as far as anything on its way can tell: bytes that are no text.
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1}


class Aws(Protocol):
    """Calls an operation by boto3's names; bytes and files aside, the answers are the same."""

    def __call__(self, service: str, operation: str, **request: Any) -> dict[str, Any]: ...

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def invoke(self, endpoint: str, body: bytes) -> dict[str, Any]: ...


class Boto3:
    """By the library."""

    def __init__(self, state: State, folder: Path) -> None:
        import boto3

        self.session = boto3.session.Session(
            aws_access_key_id=state.access_key,
            aws_secret_access_key=state.secret_key,
            region_name=state.region,
        )
        self.url = state.url

    def __call__(self, service: str, operation: str, **request: Any) -> dict[str, Any]:
        client = self.session.client(service, endpoint_url=self.url)
        found: dict[str, Any] = getattr(client, operation)(**request)
        return found

    def put(self, key: str, data: bytes) -> None:
        self("s3", "put_object", Bucket=BUCKET, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        found: bytes = self("s3", "get_object", Bucket=BUCKET, Key=key)["Body"].read()
        return found

    def invoke(self, endpoint: str, body: bytes) -> dict[str, Any]:
        request = {"EndpointName": endpoint, "Body": body, "ContentType": "image/png"}
        found = self("sagemaker-runtime", "invoke_endpoint", **request)
        return dict(json.load(found["Body"]))


class Cli:
    """By the command `aws`, with nothing but what `byoa sandbox env` sets."""

    def __init__(self, state: State, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **environment.variables(state),
        }

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, str(AWS_CLI), *words, "--output", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"aws {' '.join(words)[:300]}: {done.stderr}"
        return done.stdout

    def __call__(self, service: str, operation: str, **request: Any) -> dict[str, Any]:
        name = "s3api" if service == "s3" else service
        words = ["--cli-input-json", json.dumps(request)] if request else []
        printed = self.run(name, operation.replace("_", "-"), *words)
        return dict(json.loads(printed)) if printed.strip() else {}

    def put(self, key: str, data: bytes) -> None:
        (self.folder / "file").write_bytes(data)
        self.run("s3", "cp", str(self.folder / "file"), f"s3://{BUCKET}/{key}")

    def get(self, key: str) -> bytes:
        self.run("s3", "cp", f"s3://{BUCKET}/{key}", str(self.folder / "file"))
        return (self.folder / "file").read_bytes()

    def invoke(self, endpoint: str, body: bytes) -> dict[str, Any]:
        (self.folder / "picture").write_bytes(body)
        where = ["--endpoint-name", endpoint, "--content-type", "image/png"]
        picture = ["--body", f"fileb://{self.folder}/picture", str(self.folder / "answer")]
        self.run("sagemaker-runtime", "invoke-endpoint", *where, *picture)
        return dict(json.loads((self.folder / "answer").read_bytes()))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A sandbox of its own; afterwards nothing of it is left, and this is the test of it."""
    folder = tmp_path / "home" / "sandbox"
    state, _ = lifecycle.up(folder)
    yield state
    lifecycle.down(folder)
    docker("image", "rm", f"{REPOSITORY}:v1")  # build_and_push.sh's own name for it
    nothing_left(state)


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def nothing_left(state: State) -> None:
    assert sweep.processes(f"{sweep.MARK}={state.token}") == {}
    mine = f"label={LABEL}"
    form = f'{{{{.Label "{LABEL}"}}}}'
    for listing in (("ps", "--all"), ("network", "ls")):
        owners = docker(*listing, "--filter", mine, "--format", form).splitlines()
        assert [owner for owner in owners if owner.startswith(state.folder)] == []
    assert docker("images", "--quiet", "--filter", f"reference={state.registry}/*/*") == ""
    listening = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{state.port:04X} 00000000:0000 0A" not in listening
    assert sorted(path.name for path in Path(state.folder).iterdir()) == ["alive", "log"]


def until(look: Callable[[], Any], done: Callable[[Any], bool], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not done(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.5)
    return found


def source(base: str) -> bytes:
    """The project's own buildspec.yml and build_and_push.sh with a small Dockerfile, zipped."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in ("buildspec.yml", "build_and_push.sh"):
            archive.write(ROOT / name, name)
        archive.writestr("Dockerfile", DOCKERFILE)
        archive.writestr(".dockerignore", "*\n!small_algorithm\n")
        for path in sorted(ALGORITHM.glob("*.py")):
            archive.write(path, f"small_algorithm/{path.name}")
    return data.getvalue()


def built(aws: Aws, role: str, base: str) -> dict[str, Any]:
    """Builds and pushes by CodeBuild; what ECR says of the image."""
    aws.put("source.zip", source(base))
    wanted = {"ALGORITHM": "small_algorithm", "IMAGE": f"{REPOSITORY}:v1", "BASE_IMAGE": base}
    aws(
        "codebuild",
        "create_project",
        name="road",
        source={"type": "S3", "location": f"{BUCKET}/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "privilegedMode": True,
            "environmentVariables": [
                {"name": name, "value": value, "type": "PLAINTEXT"}
                for name, value in wanted.items()
            ],
        },
        serviceRole=role,
    )
    started = aws("codebuild", "start_build", projectName="road")["build"]["id"]
    build = until(
        lambda: aws("codebuild", "batch_get_builds", ids=[started])["builds"][0],
        lambda found: found["buildComplete"],
    )
    lines = log_lines(aws, build["logs"]["groupName"], build["logs"]["streamName"])
    assert build["buildStatus"] == "SUCCEEDED", "\n".join(lines)
    (image,) = aws("ecr", "describe_images", repositoryName=REPOSITORY)["imageDetails"]
    assert any(line.endswith(f"@{image['imageDigest']}") for line in lines), lines
    return dict(image)


def log_lines(aws: Aws, group: str, stream: str) -> list[str]:
    where = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    return [event["message"] for event in aws("logs", "get_log_events", **where)["events"]]


def job_lines(aws: Aws, kind: str, name: str) -> list[str]:
    group = f"/aws/sagemaker/{kind}"
    found = aws("logs", "describe_log_streams", logGroupName=group, logStreamNamePrefix=f"{name}/")
    return [
        line
        for stream in found["logStreams"]
        for line in log_lines(aws, group, stream["logStreamName"])
    ]


def ended(aws: Aws, kind: str, name: str) -> dict[str, Any]:
    """A job that is over; kind is training, processing or transform."""
    field = f"{kind.title()}JobName"
    status = f"{kind.title()}JobStatus"
    found: dict[str, Any] = until(
        lambda: aws("sagemaker", f"describe_{kind}_job", **{field: name}),
        lambda found: found[status] in {"Completed", "Failed", "Stopped"},
    )
    return found


def train(aws: Aws, role: str, image: str, name: str, **hyperparameters: str) -> None:
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/numbers/"}
    aws(
        "sagemaker",
        "create_training_job",
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        HyperParameters=hyperparameters,
        InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": data}}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={**CLUSTER, "VolumeSizeInGB": 5},
        StoppingCondition={"MaxRuntimeInSeconds": 300},
    )


def serve(aws: Aws, role: str, image: str, model: str) -> None:
    aws(
        "sagemaker",
        "create_model",
        ModelName="road",
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": image, "ModelDataUrl": model},
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "road",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    aws(
        "sagemaker",
        "create_endpoint_config",
        EndpointConfigName="road",
        ProductionVariants=[variant],
    )
    aws("sagemaker", "create_endpoint", EndpointName="road", EndpointConfigName="road")
    found = until(
        lambda: aws("sagemaker", "describe_endpoint", EndpointName="road"),
        lambda found: found["EndpointStatus"] != "Creating",
    )
    assert found["EndpointStatus"] == "InService", found


def transform(aws: Aws) -> bytes:
    aws.put("pictures/one.png", PICTURE)
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/pictures/"}
    aws(
        "sagemaker",
        "create_transform_job",
        TransformJobName="road",
        ModelName="road",
        BatchStrategy="SingleRecord",
        TransformInput={"DataSource": {"S3DataSource": data}, "ContentType": "image/png"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/predictions"},
        TransformResources=CLUSTER,
    )
    found = ended(aws, "transform", "road")
    assert found["TransformJobStatus"] == "Completed", found
    return aws.get("predictions/one.png.out")


def process(aws: Aws, role: str, image: str) -> bytes:
    script = "cat /opt/ml/processing/in/*.txt > /opt/ml/processing/out/all; echo processed"
    read = {
        "S3Uri": f"s3://{BUCKET}/numbers/",
        "LocalPath": "/opt/ml/processing/in",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    written = {
        "S3Uri": f"s3://{BUCKET}/processed",
        "LocalPath": "/opt/ml/processing/out",
        "S3UploadMode": "EndOfJob",
    }
    aws(
        "sagemaker",
        "create_processing_job",
        ProcessingJobName="road",
        RoleArn=role,
        AppSpecification={
            "ImageUri": image,
            "ContainerEntrypoint": ["/bin/sh", "-c"],
            "ContainerArguments": [script],
        },
        ProcessingInputs=[{"InputName": "in", "S3Input": read}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": written}]},
        ProcessingResources={"ClusterConfig": {**CLUSTER, "VolumeSizeInGB": 5}},
    )
    found = ended(aws, "processing", "road")
    assert found["ProcessingJobStatus"] == "Completed", found
    assert "processed" in job_lines(aws, "ProcessingJobs", "road")
    return aws.get("processed/all")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("make", [Boto3, Cli], ids=["boto3", "aws-cli"])
def test_the_road(
    state: State, small_image: str, tmp_path: Path, make: Callable[[State, Path], Aws]
):
    aws = make(state, tmp_path)
    aws("s3", "create_bucket", Bucket=BUCKET)
    aws.put("numbers/a.txt", b"1\n2\n")
    document = json.dumps(TRUST)
    role = aws("iam", "create_role", RoleName="road", AssumeRolePolicyDocument=document)
    arn = role["Role"]["Arn"]
    uri = aws("ecr", "create_repository", repositoryName=REPOSITORY)["repository"]["repositoryUri"]
    image = f"{uri}@{built(aws, arn, small_image)['imageDigest']}"
    docker("image", "rm", f"{uri}:v1")  # so that it has to be pulled

    train(aws, arn, image, "road", factor="3")
    trained = ended(aws, "training", "road")
    assert trained["TrainingJobStatus"] == "Completed", trained
    assert trained["AlgorithmSpecification"]["TrainingImage"] == image
    assert "starting at step 0" in job_lines(aws, "TrainingJobs", "road")

    serve(aws, arn, image, trained["ModelArtifacts"]["S3ModelArtifacts"])
    assert aws.invoke("road", PICTURE) == {"bytes": len(PICTURE)}
    assert json.loads(transform(aws)) == {"bytes": len(PICTURE)}
    assert process(aws, arn, image) == b"1\n2\n"

    train(aws, arn, image, "stopped", how="wait")
    until(
        lambda: aws("sagemaker", "describe_training_job", TrainingJobName="stopped"),
        lambda found: found["SecondaryStatus"] == "Training",
    )
    aws("sagemaker", "stop_training_job", TrainingJobName="stopped")
    assert ended(aws, "training", "stopped")["TrainingJobStatus"] == "Stopped"

    train(aws, arn, image, "left-running", how="wait")
    aws("sagemaker", "delete_endpoint", EndpointName="road")
    aws("sagemaker", "delete_endpoint_config", EndpointConfigName="road")
    aws("sagemaker", "delete_model", ModelName="road")
    aws("codebuild", "delete_project", name="road")
    aws("ecr", "delete_repository", repositoryName=REPOSITORY, force=True)
    assert aws("ecr", "describe_repositories")["repositories"] == []


def test_down_after_everything_was_killed(state: State, small_image: str, tmp_path: Path):
    """kill -9 of the server and of every supervisor: the containers are found by their label."""
    aws = Boto3(state, tmp_path)
    aws("s3", "create_bucket", Bucket=BUCKET)
    aws.put("numbers/a.txt", b"1\n")
    document = json.dumps(TRUST)
    role = aws("iam", "create_role", RoleName="road", AssumeRolePolicyDocument=document)
    train(aws, role["Role"]["Arn"], small_image, "killed", how="deaf")
    form = ("ps", "--filter", f"label={LABEL}", "--format", f'{{{{.Label "{LABEL}"}}}}')
    until(lambda: docker(*form), lambda owners: state.folder in owners)
    for pid in sweep.processes(f"{sweep.MARK}={state.token}"):
        os.kill(pid, signal.SIGKILL)
    assert state.folder in docker(*form)
    stopped = lifecycle.down(Path(state.folder))
    assert any(line.startswith("removed container ") for line in stopped), stopped
