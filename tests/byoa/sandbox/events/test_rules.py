"""Rules whose targets start: by an event that is sent, a file in a bucket, an image pushed."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients, refused
from tests.byoa.sandbox.stepfunctions.conftest import Machine, definition
from tests.byoa.sandbox.stepfunctions.test_tasks import function

QUIET = 1.0  # seconds in which what should not come would have come


@pytest.fixture(scope="module")
def target(machine: Machine) -> str:
    return machine(definition({"Type": "Pass"}), name="target")


@pytest.fixture
def rule(client: Clients, target: str, states_role: str) -> Iterator[Any]:
    """Makes a rule that starts the machine, and takes it away again."""
    made: list[str] = []

    def make(pattern: dict[str, Any], **more: Any) -> str:
        name = f"rule-{uuid.uuid4().hex[:8]}"
        client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
        told = {"Id": "1", "Arn": target, "RoleArn": states_role, **more}
        answer = client("events").put_targets(Rule=name, Targets=[told])
        assert answer["FailedEntryCount"] == 0
        made.append(name)
        return name

    yield make
    for name in made:
        client("events").remove_targets(Rule=name, Ids=["1"])
        client("events").delete_rule(Name=name)


def runs(client: Clients, target: str, mark: str, count: int) -> list[Any]:
    """The inputs of the executions that a test's events started."""
    states, end = client("stepfunctions"), time.monotonic() + 30
    while True:
        found = []
        for one in states.list_executions(stateMachineArn=target)["executions"]:
            told = states.describe_execution(executionArn=one["executionArn"])
            if mark in told["input"]:
                found.append(told)
        if len(found) >= count:
            return found
        assert time.monotonic() < end, f"{len(found)} of {count}"
        time.sleep(0.1)


def send(client: Clients, **detail: Any) -> None:
    entry = {"Source": "tests", "DetailType": "kind", "Detail": json.dumps(detail)}
    assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_an_event_starts_a_machine(client: Clients, rule: Any, target: str):
    mark = uuid.uuid4().hex
    rule({"source": ["tests"], "detail": {"mark": [mark]}})
    rule({"source": ["tests"], "detail": {"mark": ["another"]}})
    send(client, mark=mark)
    [execution] = runs(client, target, mark, 1)
    event = json.loads(execution["input"])
    assert event["source"] == "tests" and event["detail"] == {"mark": mark}
    assert event["time"].endswith("Z") and "ingestion-time" not in event
    assert len(execution["name"]) == 73, "EVENT-ID_UUID, as EventBridge names it"
    time.sleep(QUIET)
    assert len(runs(client, target, mark, 1)) == 1


@pytest.mark.parametrize("how", ["Input", "InputPath", "InputTransformer"])
def test_what_a_target_gets(client: Clients, rule: Any, target: str, how: str):
    mark = uuid.uuid4().hex
    given = {
        "Input": json.dumps({"fixed": mark}),
        "InputPath": "$.detail",
        "InputTransformer": {
            "InputPathsMap": {"key": "$.detail.key", "all": "$.detail"},
            "InputTemplate": '{"uri": "s3://b/<key>", "all": <all>, '
            '"rule": <aws.events.rule-name>}',
        },
    }[how]
    name = rule({"detail": {"mark": [mark]}}, **{how: given})
    send(client, mark=mark, key='a"b')
    [execution] = runs(client, target, mark, 1)
    assert (
        json.loads(execution["input"])
        == {
            "Input": {"fixed": mark},
            "InputPath": {"mark": mark, "key": 'a"b'},
            "InputTransformer": {
                "uri": 's3://b/a"b',
                "all": {"mark": mark, "key": 'a"b'},
                "rule": name,
            },
        }[how]
    )


def test_a_bucket_tells_of_each_finished_object_once(client: Clients, rule: Any, target: str):
    bucket, s3 = f"b-{uuid.uuid4().hex[:12]}", client("s3")
    s3.create_bucket(Bucket=bucket)
    rule(
        {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "in/"}]}},
        }
    )
    s3.put_object(Bucket=bucket, Key="in/before.txt", Body=b"no configuration yet")
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket=bucket, Key="out/other.txt", Body=b"x")
    s3.put_object(Bucket=bucket, Key="in/one.txt", Body=b"abc")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="in/large.bin")["UploadId"]
    parts = []
    for number, size in ((1, 5 << 20), (2, 10)):
        part = s3.upload_part(
            Bucket=bucket, Key="in/large.bin", UploadId=upload, PartNumber=number, Body=b"x" * size
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket=bucket, Key="in/large.bin", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    s3.copy_object(Bucket=bucket, Key="in/copy.txt", CopySource=f"{bucket}/in/one.txt")
    runs(client, target, bucket, 3)
    time.sleep(QUIET)
    events = [json.loads(one["input"])["detail"] for one in runs(client, target, bucket, 3)]
    assert sorted((event["object"]["key"], event["reason"]) for event in events) == [
        ("in/copy.txt", "CopyObject"),
        ("in/large.bin", "CompleteMultipartUpload"),
        ("in/one.txt", "PutObject"),
    ]
    sizes = {event["object"]["key"]: event["object"]["size"] for event in events}
    assert sizes == {"in/copy.txt": 3, "in/one.txt": 3, "in/large.bin": (5 << 20) + 10}


def test_a_buckets_configuration_is_told_whole(client: Clients):
    bucket, s3 = f"b-{uuid.uuid4().hex[:12]}", client("s3")
    s3.create_bucket(Bucket=bucket)
    queue = {"Id": "q", "QueueArn": "arn:aws:sqs:us-east-1:123456789012:none",
             "Events": ["s3:ObjectCreated:*"]}  # fmt: skip
    ways: list[dict[str, Any]] = [
        {"EventBridgeConfiguration": {}},
        {"EventBridgeConfiguration": {}, "QueueConfigurations": [queue]},
        {"QueueConfigurations": [queue]},
        {},
    ]
    for given in ways:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=given)
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
        del found["ResponseMetadata"]
        assert found == given


def test_a_pushed_image_is_told(client: Clients, rule: Any, target: str):
    name = f"pushed-{uuid.uuid4().hex[:8]}"
    client("ecr").create_repository(repositoryName=name)
    rule(
        {
            "source": ["aws.ecr"],
            "detail-type": ["ECR Image Action"],
            "detail": {"action-type": ["PUSH"], "result": ["SUCCESS"], "repository-name": [name]},
        }
    )
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
        }
    )
    client("ecr").put_image(repositoryName=name, imageManifest=manifest, imageTag="1")
    [execution] = runs(client, target, name, 1)
    detail = json.loads(execution["input"])["detail"]
    assert detail["image-tag"] == "1" and detail["image-digest"].startswith("sha256:")


def test_what_eventbridge_refuses(client: Clients, rule: Any, target: str):
    events = client("events")
    code, text = refused(events.put_rule, Name="r", EventPattern='{"source": [{"prefux": "a"}]}')
    assert (code, "prefux" in text) == ("InvalidEventPatternException", True)
    code, _ = refused(events.put_rule, Name="r", ScheduleExpression="rate(1 minutes)")
    assert code == "ValidationException"
    name = rule({"source": ["never"]})
    code, text = refused(events.put_targets, Rule=name, Targets=[{"Id": "2", "Arn": target}])
    assert (code, text) == ("ValidationException", f"RoleArn is required for target {target}.")
    told = json.dumps(
        {
            "id": "1",
            "detail-type": "x",
            "source": "a",
            "account": "1",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [],
        }
    )
    assert events.test_event_pattern(EventPattern='{"source": ["a"]}', Event=told)["Result"]


def put(client: Clients, mark: str, *targets: dict[str, Any]) -> None:
    pattern = json.dumps({"source": ["tests"], "detail": {"mark": [mark]}})
    client("events").put_rule(Name=mark, EventPattern=pattern)
    numbered = [{"Id": str(at), **target} for at, target in enumerate(targets)]
    client("events").put_targets(Rule=mark, Targets=numbered)


def message(client: Clients, queue: str) -> Any:
    """The next message of a queue."""
    end = time.monotonic() + 30
    while True:
        found = client("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
        if found.get("Messages"):
            return found["Messages"][0]
        assert time.monotonic() < end
        time.sleep(0.1)


def queue_of(client: Clients, name: str) -> tuple[str, str]:
    url = str(client("sqs").create_queue(QueueName=name)["QueueUrl"])
    return url, f"arn:aws:sqs:us-east-1:123456789012:{name}"


def test_builds_and_queues_are_targets(client: Clients, role: str, states_role: str):
    mark = uuid.uuid4().hex
    client("codebuild").create_project(
        name=mark,
        source={"type": "NO_SOURCE", "buildspec": '{"version": 0.2, "phases": {"build": '
                                                  '{"commands": ["echo $WHO"]}}}'},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                     "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role,
    )  # fmt: skip
    url, queue = queue_of(client, mark)
    variables = '{"environmentVariablesOverride": [{"name": "WHO", "value": "<who>"}]}'
    put(
        client,
        mark,
        {"Arn": queue, "InputPath": "$.detail"},
        {"Arn": f"arn:aws:codebuild:us-east-1:123456789012:project/{mark}", "RoleArn": states_role,
         "InputTransformer": {"InputPathsMap": {"who": "$.detail.who"},
                              "InputTemplate": variables}},
    )  # fmt: skip
    send(client, mark=mark, who="me")
    assert json.loads(message(client, url)["Body"]) == {"mark": mark, "who": "me"}
    end = time.monotonic() + 30
    while not (ids := client("codebuild").list_builds_for_project(projectName=mark)["ids"]):
        assert time.monotonic() < end
        time.sleep(0.1)
    [build] = client("codebuild").batch_get_builds(ids=ids)["builds"]
    given = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    assert given == {"WHO": "me"}


def test_what_cannot_be_started_is_a_dead_letter(client: Clients, target: str, role: str):
    """`role` trusts SageMaker and CodeBuild, not EventBridge."""
    mark = uuid.uuid4().hex
    url, queue = queue_of(client, mark)
    put(client, mark, {"Arn": target, "RoleArn": role, "DeadLetterConfig": {"Arn": queue}})
    send(client, mark=mark)
    found = message(client, url)
    assert json.loads(found["Body"])["detail"] == {"mark": mark}
    assert "events.amazonaws.com" in found["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert found["MessageAttributes"]["TARGET_ARN"]["StringValue"] == target


def test_a_function_is_a_target(client: Clients):
    mark = uuid.uuid4().hex
    arn = function(client, 'def go(event, context):\n    print("heard", event["detail"]["mark"])\n')
    url, queue = queue_of(client, mark)
    put(client, mark, {"Arn": arn, "DeadLetterConfig": {"Arn": queue}})
    send(client, mark=mark)
    refusal = message(client, url)["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    assert "does not let events.amazonaws.com invoke it" in refusal
    client("lambda").add_permission(
        FunctionName=arn, StatementId="events", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )  # fmt: skip
    send(client, mark=mark)
    group, end = f"/aws/lambda/{arn.rpartition(':')[2]}", time.monotonic() + 40
    while True:
        try:
            events = client("logs").filter_log_events(logGroupName=group)["events"]
        except client("logs").exceptions.ResourceNotFoundException:
            events = []
        if any(f"heard {mark}" in event["message"] for event in events):
            return
        assert time.monotonic() < end, events
        time.sleep(0.2)


def test_a_versioned_bucket_with_delete_markers_is_emptied(client: Clients):
    """The bucket tells EventBridge of each; a marker has no size and no ETag."""
    s3, bucket = client("s3"), "events-versions"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="a")
    listed = s3.list_object_versions(Bucket=bucket)
    both = [*listed["Versions"], *listed["DeleteMarkers"]]
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in both]
    assert len(objects) == 2
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert len(answer["Deleted"]) == 2
    s3.delete_bucket(Bucket=bucket)
