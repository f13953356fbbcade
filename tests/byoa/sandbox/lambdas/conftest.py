"""Functions made from files of Python, in the sandbox of the folder above."""

from __future__ import annotations

import io
import itertools
import json
import textwrap
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients

Make = Callable[..., str]
NUMBERS = itertools.count()


def zipped(**files: str) -> bytes:
    """An archive of modules: name -> source."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, source in files.items():
            archive.writestr(f"{name}.py", textwrap.dedent(source))
    return data.getvalue()


@pytest.fixture(scope="session")
def lambda_role(client: Clients) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = client("iam").create_role(RoleName="functions", AssumeRolePolicyDocument=document)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    client("iam").put_role_policy(
        RoleName="functions", PolicyName="everything", PolicyDocument=policy
    )
    return str(made["Role"]["Arn"])


@pytest.fixture
def make(client: Clients, lambda_role: str) -> Make:
    """Creates a function of some source; its name."""

    def function(source: str, **request: Any) -> str:
        name = f"function-{next(NUMBERS)}"
        client("lambda").create_function(
            FunctionName=name,
            **{
                "Runtime": "python3.13",
                "Role": lambda_role,
                "Handler": "handler.handler",
                "Code": {"ZipFile": zipped(handler=source)},
                "MemorySize": 512,
                **request,
            },
        )
        return name

    return function


Answer = tuple[Any, str]


@pytest.fixture
def invoke(client: Clients) -> Callable[..., Answer]:
    """The payload that a function answers, and its FunctionError."""

    def call(name: str, event: Any = None, **request: Any) -> Answer:
        body = json.dumps({} if event is None else event).encode()
        answer = client("lambda").invoke(FunctionName=name, Payload=body, **request)
        return json.loads(answer["Payload"].read()), answer.get("FunctionError", "")

    return call
