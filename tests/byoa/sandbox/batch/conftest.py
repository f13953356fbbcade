"""A queue whose jobs are processes of this machine, and what submits, waits and looks."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients

NUMBERS = itertools.count()
OVER = {"SUCCEEDED", "FAILED"}
PYTHON = [sys.executable, "-c"]

Submit = Callable[..., str]
Wait = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def batch(client: Clients) -> Any:
    return client("batch")


@pytest.fixture(scope="session")
def queue(batch: Any) -> str:
    """Jobs of this queue have the machine to themselves and the sandbox's own keys."""
    return make_queue(batch, "tests")


def make_queue(batch: Any, name: str, **resources: Any) -> str:
    """A queue and its environment, unmanaged unless it is told what it is made of."""
    given = {"type": "MANAGED", "computeResources": resources} if resources else {}
    batch.create_compute_environment(
        computeEnvironmentName=name, **{"type": "UNMANAGED", "state": "ENABLED", **given}
    )
    batch.create_job_queue(
        jobQueueName=name,
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": name}],
    )
    return name


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the jobs start."""
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="session")
def definition(batch: Any, folder: Path) -> str:
    container = {"image": f"process://{folder}", "vcpus": 1, "memory": 64}
    batch.register_job_definition(
        jobDefinitionName="anything", type="container", containerProperties=container
    )
    return "anything"


@pytest.fixture(scope="session")
def submit(batch: Any, queue: str, definition: str) -> Submit:
    """Submits a program of Python (or a command); the job's id."""

    def job(program: str | Sequence[str] = "", after: Sequence[str] = (), **more: Any) -> str:
        command = [*PYTHON, program] if isinstance(program, str) else list(program)
        overrides = {"command": command, **more.pop("container", {})}
        answer = batch.submit_job(
            **{
                "jobName": f"job-{next(NUMBERS)}",
                "jobQueue": queue,
                "jobDefinition": definition,
                "containerOverrides": overrides,
                "dependsOn": [{"jobId": name} for name in after],
                **more,
            }
        )
        return str(answer["jobId"])

    return job


@pytest.fixture(scope="session")
def wait(batch: Any) -> Wait:
    """The description of a job once it is over, or in one of some statuses."""

    def until(name: str, statuses: set[str] = OVER, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            (job,) = batch.describe_jobs(jobs=[name])["jobs"]
            if job["status"] in statuses:
                return dict(job)
            time.sleep(0.05)
        raise AssertionError(f"still {job['status']}: {job}")

    return until


@pytest.fixture(scope="session")
def lines(client: Clients) -> Callable[[str], list[str]]:
    """What a job has written by now."""

    def of(stream: str, group: str = "/aws/batch/job") -> list[str]:
        answer = client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in answer["events"]]

    return of


@pytest.fixture(scope="session")
def network(client: Clients) -> dict[str, Any]:
    """The default VPC's subnets and group."""
    ec2 = client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = ec2.describe_subnets(Filters=inside)["Subnets"]
    (group,) = ec2.describe_security_groups(
        Filters=[*inside, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    return {
        "subnets": [subnet["SubnetId"] for subnet in subnets],
        "securityGroupIds": [group["GroupId"]],
    }


@pytest.fixture(scope="session")
def instance_profile(client: Clients) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam = client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName="instances", AssumeRolePolicyDocument=document)
    iam.attach_role_policy(
        RoleName="instances",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    )
    iam.create_instance_profile(InstanceProfileName="instances")
    iam.add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")
    return "instances"


@pytest.fixture(scope="session")
def spot(batch: Any, network: dict[str, Any], instance_profile: str) -> str:
    return make_queue(
        batch, "spot", type="SPOT", minvCpus=0, maxvCpus=2, instanceTypes=["optimal"],
        instanceRole=instance_profile, **network,
    )  # fmt: skip
