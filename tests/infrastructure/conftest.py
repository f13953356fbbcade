"""The sandbox of the driver's tests, and a stack in it for all tests here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.infrastructure import Setup
from byoa.place import Place
from byoa.plan.infrastructure import Infrastructure
from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import REGION, Clients
from tests.byoa.sandbox.conftest import client as client  # noqa: PLC0414 - pytest looks here
from tests.byoa.sandbox.conftest import sandbox as sandbox  # noqa: PLC0414
from tests.infrastructure.source_server import SourceServer

Invoke = Callable[..., Any]


class FunctionError(Exception):
    """What a function raised: its class and its text."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self.kind, self.text = payload.get("errorType", ""), payload.get("errorMessage", "")
        super().__init__(f"{self.kind}: {self.text}")


@dataclass(frozen=True)
class Stack:
    """What `byoa setup` made, and how to call its functions."""

    names: Infrastructure
    outputs: dict[str, str]
    client: Clients

    def invoke(self, kind: str, event: Any) -> Any:
        """What a function answers, by Lambda's API and runtime client; or FunctionError."""
        answer = self.client("lambda").invoke(
            FunctionName=self.names.function(kind), Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise FunctionError(payload)
        return payload

    def put(self, key: str, data: bytes) -> str:
        self.client("s3").put_object(Bucket=self.names.bucket, Key=key, Body=data)
        return f"s3://{self.names.bucket}/{key}"

    def get(self, key: str) -> bytes:
        data: bytes = self.client("s3").get_object(Bucket=self.names.bucket, Key=key)["Body"].read()
        return data

    def keys(self, prefix: str = "") -> list[str]:
        page = self.client("s3").list_objects_v2(Bucket=self.names.bucket, Prefix=prefix)
        return [one["Key"] for one in page.get("Contents", ())]


@pytest.fixture(scope="session")
def place(sandbox: State) -> Iterator[Place]:
    """The sandbox as a place, without a word in the environment."""
    made = pytest.MonkeyPatch()
    made.setenv("AWS_ACCESS_KEY_ID", sandbox.access_key)
    made.setenv("AWS_SECRET_ACCESS_KEY", sandbox.secret_key)
    session = Session(REGION, endpoint=sandbox.url)
    s3 = session.client("s3")
    base = f"s3://byoa-{session.account}-{REGION}"
    yield Place(
        "sandbox", S3Storage(s3, base), session.client("sagemaker"), None, None, session=session
    )
    made.undo()


def setup_of(place: Place, project: str, **parameters: str) -> Setup:
    return Setup(place, project, parameters, lambda text: None, sleep=lambda seconds: None)


@pytest.fixture(scope="session")
def stack(place: Place, client: Clients) -> Stack:
    """One stack for all; its functions may reach loopback."""
    setup = setup_of(place, "cells", AllowedNetworks="127.0.0.0/8", PauseSeconds="1")
    outputs = setup.run(lambda rows: True)
    assert outputs
    return Stack(setup.names, outputs, client)


@pytest.fixture
def source() -> Iterator[SourceServer]:
    with SourceServer() as server:
        yield server
