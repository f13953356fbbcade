"""A function that is an image: pushed to the sandbox's ECR, run there by its own runtime client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from byoa.sandbox import docker_login, lifecycle, sweep
from byoa.sandbox.state import State
from tests.small_image import docker, small_image

__all__ = ["small_image"]
pytestmark = pytest.mark.docker
HANDLER = """\
import os, sys, time
def handler(event, context):
    if event.get("sleep"):
        time.sleep(60)
    if event.get("raise"):
        raise KeyError("no such thing")
    print("in the container")
    open("/tmp/written", "w").close()
    try:
        open("/written", "w")
    except OSError:
        return {"id": context.aws_request_id, "word": os.environ["WORD"], "cwd": os.getcwd()}
"""
DOCKERFILE = """\
FROM {base}
COPY libraries /opt/libraries
COPY app.py /var/task/app.py
ENV PYTHONPATH=/opt/libraries LAMBDA_TASK_ROOT=/var/task
WORKDIR /var/task
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["app.handler"]
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[State]:
    state, _ = lifecycle.up(tmp_path / "sandbox")
    yield state
    lifecycle.down(tmp_path / "sandbox")
    assert sweep.processes(f"{sweep.MARK}={state.token}") == {}
    assert docker("ps", "--all", "--quiet", "--filter", "name=byoa-image-function").stdout == ""


def client(sandbox: State, service: str) -> Any:
    import boto3

    return boto3.client(
        service,
        endpoint_url=sandbox.url,
        region_name="us-east-1",
        aws_access_key_id=sandbox.access_key,
        aws_secret_access_key=sandbox.secret_key,
    )


def build(folder: Path, base: str, name: str) -> None:
    """An image with the runtime client of this Python; Debian's has to be the same."""
    found = docker("run", "--rm", base, "python3", "-c", "import sys; print(sys.version_info[:2])")
    if found.stdout.strip() != str(sys.version_info[:2]):
        pytest.skip(f"awslambdaric is built for {sys.version_info[:2]}, not for {found.stdout}")
    for package in ("awslambdaric", "simplejson", "snapshot-restore-py"):
        for path in distribution(package).files or ():
            if ".." not in path.parts and "__pycache__" not in path.parts:
                target = folder / "libraries" / str(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(path.locate()), target)
    (folder / "app.py").write_text(HANDLER)
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=base))
    built = docker("build", "--force-rm", "--tag", name, str(folder))
    assert built.returncode == 0, built.stdout


def push(sandbox: State, folder: Path, name: str) -> None:
    environ = docker_login.for_jobs(sandbox)
    done = subprocess.run(
        ["docker", "push", name],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **environ},
    )
    assert done.returncode == 0, done.stderr


def test_an_image_runs_as_a_function(sandbox: State, small_image: str, tmp_path: Path) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = client(sandbox, "iam").create_role(
        RoleName="functions",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Role"]["Arn"]
    client(sandbox, "iam").attach_role_policy(
        RoleName="functions",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    )
    functions = client(sandbox, "lambda")
    uri = client(sandbox, "ecr").create_repository(repositoryName="functions")["repository"][
        "repositoryUri"
    ]
    (tmp_path / "image").mkdir()
    build(tmp_path / "image", small_image, f"{uri}:v1")
    push(sandbox, tmp_path, f"{uri}:v1")
    functions.create_function(
        FunctionName="image-function",
        PackageType="Image",
        Role=role,
        Code={"ImageUri": f"{uri}:v1"},
        Timeout=5,
        MemorySize=256,
        Environment={"Variables": {"WORD": "a 'word' = $HOME"}},
    )

    def invoke(**event: Any) -> tuple[Any, str]:
        answer = functions.invoke(FunctionName="image-function", Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError", "")

    answer, error = invoke()
    assert error == ""
    assert (answer["word"], answer["cwd"]) == ("a 'word' = $HOME", "/var/task")
    failed, error = invoke(**{"raise": True})
    assert (failed["errorType"], error) == ("KeyError", "Unhandled")
    late, error = invoke(sleep=True)
    assert (late["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert docker("ps", "--quiet", "--filter", "name=byoa-image-function").stdout == ""
    assert invoke()[1] == ""
    assert docker("ps", "--quiet", "--filter", "name=byoa-image-function").stdout != ""
    found = client(sandbox, "logs").filter_log_events(logGroupName="/aws/lambda/image-function")
    lines = [event["message"] for event in found["events"]]
    assert lines.count("in the container") == 2
