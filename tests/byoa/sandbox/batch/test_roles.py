"""A job may do what its role may, and begins only if the roles around it let it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.byoa.sandbox.batch.conftest import Submit, Wait, make_queue
from tests.byoa.sandbox.conftest import Clients, refused

Lines = Callable[[str], list[str]]
PUT = (
    "import boto3, sys\nfrom botocore.exceptions import ClientError\n"
    "s3 = boto3.client('s3')\n"
    "try:\n    s3.put_object(Bucket='tests-bucket', Key=sys.argv[1], Body=b'x')\n"
    "except ClientError as error:\n    print(error.response['Error']['Code'])\n"
    "else:\n    print('written')"
)


@pytest.fixture(scope="module")
def job_role(client: Clients, bucket: str) -> str:
    """May write below mine/ and nothing else."""
    return make_role(
        client,
        "job",
        "ecs-tasks",
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"},
    )


def make_role(client: Clients, name: str, service: str, statement: dict[str, Any] | None) -> str:
    iam = client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    if statement:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
        iam.put_role_policy(RoleName=name, PolicyName="x", PolicyDocument=json.dumps(document))
    return str(made["Role"]["Arn"])


def define(batch: Any, folder: Any, name: str, **container: Any) -> str:
    given = {"image": f"process://{folder}", "vcpus": 1, "memory": 64, **container}
    batch.register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=given
    )
    return name


def said(lines: Lines, job: dict[str, Any]) -> list[str]:
    assert job["status"] == "SUCCEEDED", job
    return lines(job["container"]["logStreamName"])


def test_a_job_has_its_roles_rights(
    batch: Any, submit: Submit, wait: Wait, lines: Lines, folder: Any, job_role: str
):
    definition = define(batch, folder, "with-role", jobRoleArn=job_role)
    program = [*["python", "-c", PUT], "mine/a"]
    assert said(lines, wait(submit(program, jobDefinition=definition))) == ["written"]
    program[-1] = "yours/a"
    assert said(lines, wait(submit(program, jobDefinition=definition))) == ["AccessDenied"]


def test_without_a_role_a_job_has_its_instances(
    submit: Submit, wait: Wait, lines: Lines, spot: str, bucket: str
):
    """Which may pull and log, and nothing with S3."""
    program = ["python", "-c", PUT, "mine/b"]
    assert said(lines, wait(submit(program, jobQueue=spot))) == ["AccessDenied"]
    assert said(lines, wait(submit(program))) == ["written"]  # nobody's machine: the owner's keys


def test_a_role_that_nobody_takes_on(
    batch: Any, submit: Submit, wait: Wait, folder: Any, client: Clients
):
    role = make_role(client, "others", "lambda", None)
    job = wait(submit("", jobDefinition=define(batch, folder, "bad-role", jobRoleArn=role)))
    assert job["status"] == "FAILED"
    assert job["statusReason"].startswith(f"ECS was unable to assume the role '{role}'")
    assert len(job["attempts"]) == 1


def test_fargate_begins_a_job_with_the_execution_role(
    *,
    batch: Any,
    submit: Submit,
    wait: Wait,
    lines: Lines,
    folder: Any,
    client: Clients,
    network: Any,
):
    queue = make_queue(batch, "fargate", type="FARGATE_SPOT", maxvCpus=2, **network)
    role = make_role(client, "execution", "ecs-tasks", None)
    needs = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    container = {
        "image": f"process://{folder}", "executionRoleArn": role, "resourceRequirements": needs,
    }  # fmt: skip
    batch.register_job_definition(
        jobDefinitionName="fargate",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties=container,
    )
    program = "import os; print(os.environ.get('AWS_ACCESS_KEY_ID'))"
    job = wait(submit(program, jobQueue=queue, jobDefinition="fargate"))
    assert "logs:CreateLogStream" in job["container"]["reason"]
    assert job["statusReason"] == "Task failed to start"
    client("iam").attach_role_policy(
        RoleName="execution",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    )
    job = wait(submit(program, jobQueue=queue, jobDefinition="fargate"))
    assert said(lines, job) == ["None"]  # no job role, no keys
    tags = {"byoa:interrupt-after": "0.2"}
    sleep = "import time; time.sleep(60)"
    job = wait(submit(sleep, jobQueue=queue, jobDefinition="fargate", tags=tags))
    assert job["statusReason"] == "Your Spot Task was interrupted."


def test_a_jobs_calls_of_batch_are_asked_for_too(
    batch: Any, submit: Submit, wait: Wait, lines: Lines, folder: Any, job_role: str
):
    definition = define(batch, folder, "calls", jobRoleArn=job_role)
    program = (
        "import boto3\ntry:\n    boto3.client('batch').describe_jobs(jobs=['x'])\n"
        "except Exception as error: print(error)"
    )
    (line,) = said(lines, wait(submit(program, jobDefinition=definition)))
    assert "AccessDeniedException" in line and "batch:DescribeJobs" in line


def test_secrets_are_variables_that_no_description_shows(
    batch: Any, submit: Submit, wait: Wait, lines: Lines, folder: Any, client: Clients
):
    arn = client("secretsmanager").create_secret(Name="token", SecretString='{"key": "hush"}')[
        "ARN"
    ]
    client("ssm").put_parameter(Name="/given/word", Value="mum", Type="SecureString")
    given = [
        {"name": "TOKEN", "valueFrom": f"{arn}:key::"},
        {"name": "WORD", "valueFrom": "/given/word"},
    ]
    definition = define(batch, folder, "secrets", secrets=given)
    program = "import os; print(os.environ['TOKEN'][::-1], os.environ['WORD'][::-1])"
    job = wait(submit(program, jobDefinition=definition))
    assert said(lines, job) == ["hsuh mum"]
    assert "hush" not in str(job) and job["container"]["secrets"] == given
    role = make_role(client, "agent", "ecs-tasks", {"Action": "logs:*", "Resource": "*"})
    definition = define(batch, folder, "secrets", secrets=given, executionRoleArn=role)
    job = wait(submit(program, jobDefinition=definition))
    assert job["statusReason"] == "Task failed to start"
    assert "not authorized to perform: secretsmanager:GetSecretValue" in job["container"]["reason"]


def test_an_image_that_is_not_there(batch: Any, submit: Submit, wait: Wait, tmp_path: Any):
    job = wait(submit("", jobDefinition=define(batch, tmp_path / "nowhere", "nowhere")))
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotPullContainerError:")
    assert "exitCode" not in job["container"]


def test_nobody_without_the_key_submits(sandbox: Any):
    import boto3

    stranger = boto3.client(
        "batch", endpoint_url=sandbox.url, region_name="us-east-1",
        aws_access_key_id="AKIAAAAAAAAAAAAAAAAA", aws_secret_access_key="x",
    )  # fmt: skip
    assert refused(stranger.describe_jobs, jobs=["x"])[0] == "UnrecognizedClientException"
