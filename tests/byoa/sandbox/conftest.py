"""One sandbox for all tests of this folder; it is down at the end, and nothing of it runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.sandbox import lifecycle, sweep
from byoa.sandbox.state import State

ROOT = Path(__file__).resolve().parents[3]
ALGORITHM = f"process://{ROOT}/tests/small_algorithm"
REGION = "us-east-1"
#: Who may take the tests' role on.
SERVICES = ("sagemaker.amazonaws.com", "codebuild.amazonaws.com")

Clients = Callable[..., Any]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("home") / "sandbox"
    state, new = lifecycle.up(folder)
    assert new
    yield state
    lifecycle.down(folder)
    assert sweep.processes(f"{sweep.MARK}={state.token}") == {}


@pytest.fixture(scope="session")
def client(sandbox: State) -> Clients:
    """boto3 clients that reach the sandbox, and say at once what it answers."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(
        aws_access_key_id=sandbox.access_key,
        aws_secret_access_key=sandbox.secret_key,
        region_name=REGION,
    )
    made: dict[tuple[str, str], Any] = {}

    def make(service: str, region: str = REGION) -> Any:
        if (service, region) not in made:
            config = Config(retries={"total_max_attempts": 1})
            made[service, region] = session.client(
                service, region_name=region, endpoint_url=sandbox.url, config=config
            )
        return made[service, region]

    return make


@pytest.fixture(scope="session")
def role(client: Clients) -> str:
    """A role that SageMaker and CodeBuild may take on."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": list(SERVICES)},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = client("iam").create_role(RoleName="tests", AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


@pytest.fixture(scope="session")
def bucket(client: Clients) -> str:
    client("s3").create_bucket(Bucket="tests-bucket")
    return "tests-bucket"


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """The code and the text of the error that AWS's client makes of the answer."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as error:
        call(**request)
    found = error.value.response["Error"]
    return str(found["Code"]), str(found["Message"])
