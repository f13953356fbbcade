"""Batch jobs in containers: pulled from the sandbox's registry, held to limits, swept away."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.local.sweep import LABEL
from byoa.sandbox import docker_login, lifecycle, sweep
from byoa.sandbox.state import State
from tests.small_image import docker, small_image

__all__ = ["small_image"]
pytestmark = pytest.mark.docker
#: Holds 200 MB, all of them touched.
HUNGRY = "held = bytearray(200 << 20); held[::4096] = b'x' * len(held[::4096])"
LOOK = (
    "import os, urllib.request\n"
    "try: open('/written', 'w')\n"
    "except OSError as error: print(error.strerror)\n"
    "print(os.getuid(), open('/given/file').read(), os.environ['AWS_BATCH_JOB_ATTEMPT'])\n"
    "try: urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'])\n"
    "except urllib.error.HTTPError as error: print(error.code)"
)
SLEEP = ["sleep", "600"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("home") / "sandbox"
    state, _ = lifecycle.up(folder)
    yield state
    lifecycle.down(folder)
    assert sweep.processes(f"{sweep.MARK}={state.token}") == {}
    assert containers(folder) == []


def containers(folder: Path) -> list[str]:
    """Of this sandbox, the names of its jobs' folders."""
    form = f'{{{{.Label "{LABEL}"}}}}'
    listed = docker("ps", "--all", "--filter", f"label={LABEL}", "--format", form).stdout
    return [line for line in listed.splitlines() if Path(line).is_relative_to(folder)]


class Jobs:
    """Submits to one queue, waits."""

    def __init__(self, sandbox: State, image: str) -> None:
        self.sandbox = sandbox
        self.batch = self.client("batch")
        order = [{"order": 1, "computeEnvironment": "here"}]
        self.batch.create_compute_environment(computeEnvironmentName="here", type="UNMANAGED")
        self.batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
        self.define("small", image)

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.sandbox.url,
            region_name="us-east-1",
            aws_access_key_id=self.sandbox.access_key,
            aws_secret_access_key=self.sandbox.secret_key,
        )

    def define(self, name: str, image: str, **container: Any) -> None:
        given = {"image": image, "vcpus": 1, "memory": 128, **container}
        self.batch.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=given
        )

    def submit(self, command: list[str], definition: str = "small", **more: Any) -> str:
        request = {"jobName": "job", "jobQueue": "q", "jobDefinition": definition}
        overrides = {"command": command}
        answer = self.batch.submit_job(**request, containerOverrides=overrides, **more)
        return str(answer["jobId"])

    def wait(self, name: str, *statuses: str) -> dict[str, Any]:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            (job,) = self.batch.describe_jobs(jobs=[name])["jobs"]
            if job["status"] in (statuses or ("SUCCEEDED", "FAILED")):
                return dict(job)
            time.sleep(0.1)
        raise AssertionError(f"still {job}")

    def lines(self, job: dict[str, Any]) -> list[str]:
        stream = job["container"]["logStreamName"]
        found = self.client("logs").get_log_events(
            logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in found["events"]]


@pytest.fixture(scope="module")
def jobs(sandbox: State, small_image: str) -> Jobs:
    return Jobs(sandbox, small_image)


def test_a_job_is_what_its_definition_says(jobs: Jobs, small_image: str, tmp_path: Path):
    (tmp_path / "file").write_text("here")
    tmp_path.chmod(0o755)
    jobs.define(
        "careful",
        small_image,
        user="1000",
        readonlyRootFilesystem=True,
        volumes=[{"name": "given", "host": {"sourcePath": str(tmp_path)}}],
        mountPoints=[{"sourceVolume": "given", "containerPath": "/given", "readOnly": True}],
    )
    job = jobs.wait(jobs.submit(["python3", "-c", LOOK], "careful"))
    assert job["status"] == "SUCCEEDED", jobs.lines(job)
    assert jobs.lines(job) == ["Read-only file system", "1000 here 1", "403"]


def test_memory_is_a_limit_and_more_of_it_helps(jobs: Jobs):
    job = jobs.wait(jobs.submit(["python3", "-c", HUNGRY]))
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["container"]["reason"].startswith("OutOfMemoryError")
    more = {"resourceRequirements": [{"type": "MEMORY", "value": "512"}]}
    overrides = {"command": ["python3", "-c", HUNGRY], **more}
    request = {"jobName": "job", "jobQueue": "q", "jobDefinition": "small"}
    answer = jobs.batch.submit_job(**request, containerOverrides=overrides)
    assert jobs.wait(answer["jobId"])["status"] == "SUCCEEDED"


def test_an_image_of_the_registry_is_pulled_and_a_newer_one_too(
    jobs: Jobs, sandbox: State, small_image: str
):
    repository = jobs.client("ecr").create_repository(repositoryName="jobs")["repository"]
    uri = repository["repositoryUri"]
    address = f"{sandbox.registry}/jobs:v1"
    jobs.define("pulled", f"{uri}:v1")
    missing = jobs.wait(jobs.submit(["true"], "pulled"))
    assert missing["statusReason"] == "Task failed to start"
    assert missing["container"]["reason"].startswith("CannotPullContainerError:")
    for word in ("one", "two"):
        changed = docker("create", small_image, "true").stdout.strip()
        change = ["--change", f"ENV WORD={word}", "--change", "CMD printenv WORD"]
        assert docker("commit", *change, changed, address).returncode == 0
        docker("rm", changed)
        environ = {**os.environ, **docker_login.for_jobs(sandbox)}
        pushed = subprocess.run(["docker", "push", "--quiet", address], env=environ, check=False)
        assert pushed.returncode == 0
        docker("rmi", address)
        job = jobs.wait(jobs.submit(["printenv", "WORD"], "pulled"))
        assert jobs.lines(job) == [word], job


def test_a_command_that_is_not_there_never_starts(jobs: Jobs):
    job = jobs.wait(jobs.submit(["no-such-program"]))
    assert job["status"] == "FAILED"
    assert job["container"].get("exitCode") == 127 or "no-such-program" in str(job)


def test_a_container_goes_when_its_job_does_and_all_go_with_the_sandbox(jobs: Jobs, sandbox: State):
    folder = Path(sandbox.folder)
    name = jobs.submit(SLEEP)
    jobs.wait(name, "RUNNING")
    assert len(containers(folder)) == 1
    jobs.batch.terminate_job(jobId=name, reason="seen")
    assert jobs.wait(name)["statusReason"] == "seen"
    end = time.monotonic() + 30
    while containers(folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert containers(folder) == []
    last = jobs.submit(SLEEP)  # left to the fixture's `down`
    jobs.wait(last, "RUNNING")
    assert len(containers(folder)) == 1
