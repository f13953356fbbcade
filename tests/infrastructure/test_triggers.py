"""What starts the workflow of a stack, for real: once for an upload, and never by itself."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from byoa.place import Place
from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.registry_client import Registry
from tests.infrastructure.conftest import Stack, setup_of

MIB = 1 << 20


@pytest.fixture(scope="module")
def triggered(place: Place, client: Clients) -> Stack:
    setup = setup_of(
        place, "rules", TriggerPrefix="incoming/data/", TriggerSuffix="_READY",
        TriggerImageTag="release", TriggerRepository="code", PauseSeconds="1",
    )  # fmt: skip
    outputs = setup.run(lambda rows: True)
    assert outputs
    return Stack(setup.names, outputs, client)


def inputs(stack: Stack, count: int, known: int = 0) -> list[dict[str, Any]]:
    """The inputs of the executions, once there are so many more than `known`; newest first."""
    states, until = stack.client("stepfunctions"), time.monotonic() + 30
    machine = stack.names.machine_arn
    while (
        len(found := states.list_executions(stateMachineArn=machine)["executions"]) < known + count
    ):
        assert time.monotonic() < until, found
        time.sleep(0.1)
    assert len(found) == known + count
    return [
        json.loads(states.describe_execution(executionArn=one["executionArn"])["input"])
        for one in found[:count]
    ]


def known(stack: Stack) -> int:
    found = stack.client("stepfunctions").list_executions(stateMachineArn=stack.names.machine_arn)
    return len(found["executions"])


def test_an_upload_starts_it_once_and_its_own_writes_do_not(triggered: Stack):
    before, bucket = known(triggered), triggered.names.bucket
    s3 = triggered.client("s3")
    for key in ("incoming/data/training/1.png", "models/x_READY", "data/_READY", "incoming/_READY"):
        triggered.put(key, b"x")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="incoming/data/_READY")["UploadId"]
    words = {"Bucket": bucket, "Key": "incoming/data/_READY", "UploadId": upload}
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(**words, PartNumber=n, Body=bytes(5 * MIB))["ETag"],
        }
        for n in (1, 2)
    ]
    s3.complete_multipart_upload(**words, MultipartUpload={"Parts": parts})
    (said,) = inputs(triggered, 1, before)
    assert said == {
        "Context": f"s3://{bucket}/incoming/context.zip",
        "Data": f"s3://{bucket}/incoming/data/",
        "Trigger": "upload",
    }
    time.sleep(0.5)  # whatever else it would have started
    assert known(triggered) == before + 1


def test_a_released_image_starts_it_with_that_image(triggered: Stack, sandbox: State):
    before, repository = known(triggered), triggered.names.repository
    digest = Registry(sandbox).push(repository, "release", b"released")
    Registry(sandbox).push(repository, "0" * 32, b"its own")
    (said,) = inputs(triggered, 1, before)
    assert said["Image"] == f"{triggered.outputs['Repository']}@{digest}"
    assert said["Trigger"] == "image"


def test_a_push_starts_it_with_that_commit(triggered: Stack):
    before = known(triggered)
    arn = "arn:aws:codecommit:us-east-1:123456789012:"
    detail = {
        "event": "referenceUpdated", "referenceType": "branch", "referenceName": "main",
        "repositoryName": "code", "commitId": "0af1",
    }  # fmt: skip
    entries = [
        {"Source": "aws.codecommit", "DetailType": "CodeCommit Repository State Change",
         "Resources": [arn + repository], "Detail": json.dumps({**detail, "referenceName": branch})}
        for repository, branch in (("code", "main"), ("code", "dev"), ("other", "main"))
    ]  # fmt: skip
    triggered.client("events").put_events(Entries=entries)
    (said,) = inputs(triggered, 1, before)
    assert said["Context"] == "codecommit://code@0af1"
    assert said["Trigger"] == "push"
