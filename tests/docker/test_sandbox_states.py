"""State machines and docker: an image that is pushed starts one, Batch jobs are waited for."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.sandbox import lifecycle
from byoa.sandbox.state import State

pytestmark = pytest.mark.docker

IMAGE = "debian:bookworm-slim"
SERVICES = ["states.amazonaws.com", "events.amazonaws.com", "batch.amazonaws.com"]
Clients = Callable[[str], Any]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("home") / "sandbox"
    started, _ = lifecycle.up(folder)
    yield started
    lifecycle.down(folder)


@pytest.fixture(scope="module")
def client(state: State) -> Clients:
    import boto3

    session = boto3.session.Session(
        aws_access_key_id=state.access_key,
        aws_secret_access_key=state.secret_key,
        region_name=state.region,
    )
    return lambda service: session.client(service, endpoint_url=state.url)


@pytest.fixture(scope="module")
def role(client: Clients) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}
    made = client("iam").create_role(
        RoleName="all",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client("iam").put_role_policy(RoleName="all", PolicyName="all", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def machine(client: Clients, role: str, name: str, state: dict[str, Any]) -> str:
    definition = {"StartAt": "Only", "States": {"Only": {**state, "End": True}}}
    made = client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role
    )
    return str(made["stateMachineArn"])


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found


def ended(client: Clients, execution: str) -> Any:
    def look() -> Any:
        told = client("stepfunctions").describe_execution(executionArn=execution)
        return told if told["status"] != "RUNNING" else None

    return until(look)


def docker(*words: str, **more: Any) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True, timeout=120, **more)


def tiny_image(name: str) -> None:
    """An image of one small file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("told")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"yes\n"))
    docker("import", "-", name, input=packed.getvalue())


def test_a_push_starts_a_machine_once(client: Clients, state: State, role: str, tmp_path: Path):
    target = machine(client, role, "pushed", {"Type": "Pass", "OutputPath": "$.detail"})
    client("ecr").create_repository(repositoryName="team/model")
    pattern = {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Action"],
        "detail": {"action-type": ["PUSH"], "repository-name": ["team/model"],
                   "image-tag": ["latest"]},
    }  # fmt: skip
    client("events").put_rule(Name="pushed", EventPattern=json.dumps(pattern))
    told = {"Id": "1", "Arn": target, "RoleArn": role}
    client("events").put_targets(Rule="pushed", Targets=[told])

    given = client("ecr").get_authorization_token()["authorizationData"][0]
    auths = {state.registry: {"auth": given["authorizationToken"]}}
    assert b":" in base64.b64decode(given["authorizationToken"])
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    for tag in ("other", "latest"):
        name = f"{state.registry}/team/model:{tag}"
        tiny_image(name)
        docker("--config", str(tmp_path), "push", name)

    def look() -> Any:
        return client("stepfunctions").list_executions(stateMachineArn=target)["executions"]

    execution = until(look)[0]["executionArn"]
    detail = json.loads(ended(client, execution)["output"])
    pushed = client("ecr").describe_images(
        repositoryName="team/model", imageIds=[{"imageTag": "latest"}]
    )["imageDetails"][0]
    assert detail["image-tag"] == "latest" and detail["image-digest"] == pushed["imageDigest"]
    assert len(look()) == 1


def test_batch_jobs_are_waited_for(client: Clients, role: str):
    batch = client("batch")
    place = batch.create_compute_environment(
        computeEnvironmentName="place", type="UNMANAGED", state="ENABLED", serviceRole=role
    )["computeEnvironmentArn"]
    order = [{"order": 1, "computeEnvironment": place}]
    line = batch.create_job_queue(
        jobQueueName="line", state="ENABLED", priority=1, computeEnvironmentOrder=order
    )["jobQueueArn"]
    properties = {"image": IMAGE, "command": ["true"], "memory": 64, "vcpus": 1}
    job = batch.register_job_definition(
        jobDefinitionName="job", type="container", containerProperties=properties
    )["jobDefinitionArn"]
    arn = machine(client, role, "batch", {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {"JobName": "one", "JobQueue": line, "JobDefinition": job,
                       "ContainerOverrides": {"Command.$": "$.command"}},
    })  # fmt: skip
    start = client("stepfunctions").start_execution
    good, bad = (
        start(stateMachineArn=arn, input=json.dumps({"command": ["sh", "-c", f"exit {code}"]}))
        for code in (0, 3)
    )
    told = json.loads(ended(client, good["executionArn"])["output"])
    assert told["Status"] == "SUCCEEDED" and told["JobName"] == "one"
    failed = ended(client, bad["executionArn"])
    assert failed["error"] == "States.TaskFailed"
    assert json.loads(failed["cause"])["Status"] == "FAILED"
