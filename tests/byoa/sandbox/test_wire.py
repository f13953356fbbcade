"""AWS's protocols: what botocore writes we read, what we write botocore reads."""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import Any

import pytest
from botocore.model import Shape
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from byoa.plan.errors import ServiceError
from byoa.sandbox import answers, cbor, shapes, wire
from byoa.sandbox.hooks import HOOKS, handler

TIMES = st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2200, 1, 1)).map(
    lambda time: time.replace(tzinfo=datetime.timezone.utc, microsecond=0)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text() | st.binary() | TIMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_cbor_there_and_back(value: Any):
    assert cbor.loads(cbor.dumps(value)) == value


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes):
    try:
        cbor.loads(data)
    except ValueError:
        pass


def test_cbor_as_the_rfc_writes_it():
    """From appendix A of RFC 8949, indefinite lengths and half floats too."""
    for text, value in (
        ("1903e8", 1000),
        ("3903e7", -1000),
        ("f93e00", 1.5),
        ("fa47c35000", 100000.0),
        ("7f657374726561646d696e67ff", "streaming"),
        ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
        ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
        ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
        ("f97c00", math.inf),
    ):
        assert cbor.loads(bytes.fromhex(text)) == value


@pytest.mark.parametrize("text", ["", "81", "9f", "1c", "fc", "0000", "c101ff", "81" * 500])
def test_bad_cbor_is_refused(text: str):
    with pytest.raises(ValueError):
        cbor.loads(bytes.fromhex(text))


def test_botocore_and_we_speak_the_same_cbor():
    """A StartBuild that botocore serialised, and a Build that its parser reads."""
    import botocore.parsers
    import botocore.serialize

    model = wire.service_model("codebuild")
    operation = model.operation_model("StartBuild")
    serializer = botocore.serialize.create_serializer("smithy-rpc-v2-cbor")
    given = {"projectName": "p", "timeoutInMinutesOverride": 7}
    made = serializer.serialize_to_request(given, operation)
    environ = EnvironBuilder(
        path=made["url_path"],
        method="POST",
        data=made["body"],
        headers=list(made["headers"].items()),
    ).get_environ()
    call = wire.call_of(Request(environ))
    assert (call.service, call.operation, call.protocol) == ("codebuild", "StartBuild", "cbor")
    assert call.parameters == given
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    output = {"build": {"id": "x", "startTime": now, "buildNumber": 3, "notInTheModel": 1}}
    response = answers.answer(call, output)
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    told = {"body": response.data, "headers": dict(response.headers), "status_code": 200}
    found = parser.parse(told, operation.output_shape)
    assert found["build"]["startTime"].timestamp() == now.timestamp()
    assert found["build"]["id"] == "x" and "notInTheModel" not in found["build"]


def call_for(operation: str, data: Any) -> wire.Call:
    """A request to SageMaker's control plane, off the wire."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    headers = {"X-Amz-Target": f"SageMaker.{operation}", "Content-Type": "x"}
    environ = EnvironBuilder(
        path="/", method="POST", data=body, headers=list(headers.items())
    ).get_environ()
    return wire.call_of(Request(environ))


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"7", b'{"TrainingJobName": 7}', b'{"Tags": {}}', b'{"Tags": [1]}', b"\xff",
     b'{"ResourceConfig": {"InstanceCount": "1"}}', b'{"ResourceConfig": {"InstanceCount": true}}',
     b"[" * 100000],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(data: bytes):
    call = call_for("CreateTrainingJob", data)
    with pytest.raises(ServiceError) as error:
        _ = call.parameters
    assert error.value.response["Error"]["Code"] == "SerializationException"


def test_the_body_can_be_read_again_by_moto():
    call = call_for("ListTrainingJobs", {"MaxResults": 3})
    assert call.parameters == {"MaxResults": 3}
    assert call.request.environ["wsgi.input"].read() == b'{"MaxResults": 3}'


JOB = {
    "TrainingJobName": "job",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/name",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"RoleArn": "me"}, "Value 'me' at 'roleArn' failed to satisfy constraint: Member must "
         "have length greater than or equal to 20"),
        ({"TrainingJobName": "a" * 64}, "length less than or equal to 63"),
        ({"OutputDataConfig": None}, "Value 'null' at 'outputDataConfig' failed to satisfy "
         "constraint: Member must not be null"),
        ({"ResourceConfig": {"InstanceType": "ml.p9", "VolumeSizeInGB": 1}},
         "Value 'ml.p9' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must "
         "satisfy enum value set: ["),
        ({"HyperParameters": {"k": "x" * 2501}}, "at 'hyperParameters' failed to satisfy "
         "constraint: Map value must satisfy constraint: [Member must have length less than or "
         "equal to 2500"),
        ({"Tags": [{"Key": "", "Value": ""}]}, "at 'tags.1.member.key'"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
         "at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must "
         "have value greater than or equal to 1"),
    ],
)  # fmt: skip
def test_what_the_model_does_not_allow_is_told_in_awss_words(change: dict[str, Any], said: str):
    shapes.check(call_for("CreateTrainingJob", JOB))
    with pytest.raises(ServiceError) as error:
        shapes.check(call_for("CreateTrainingJob", {**JOB, **change}))
    message = error.value.response["Error"]["Message"]
    assert re.match(r"1 validation error detected: |[2-9] validation errors detected: ", message)
    assert said in message


def test_two_errors_are_told_together():
    with pytest.raises(ServiceError) as error:
        shapes.check(call_for("CreateTrainingJob", {**JOB, "TrainingJobName": "_", "Tags": [{}]}))
    message = error.value.response["Error"]["Message"]
    assert message.startswith("3 validation errors detected: ") and message.count("; Value ") == 2


def of_shape(shape: Shape, deep: int = 0) -> Any:
    """Anything that JSON may hold where a shape is expected: mostly of the right kind."""
    wrong = st.none() | st.integers() | st.text(max_size=3)
    if shape.type_name == "structure" and deep < 3:
        members = {
            name: of_shape(member, deep + 1) for name, member in list(shape.members.items())[:6]
        }
        return st.fixed_dictionaries({}, optional=members) | wrong
    if shape.type_name == "list" and deep < 3:
        return st.lists(of_shape(shape.member, deep + 1), max_size=2) | wrong
    if shape.type_name == "map" and deep < 3:
        return st.dictionaries(st.text(max_size=3), of_shape(shape.value, deep + 1), max_size=2)
    return wrong


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("operation", ["CreateTrainingJob", "CreateModel", "CreateEndpointConfig"])
def test_any_body_passes_or_is_refused(operation: str, data: Any):
    shape = wire.service_model("sagemaker").operation_model(operation).input_shape
    call = call_for(operation, data.draw(of_shape(shape)))
    try:
        shapes.check(call)
    except ServiceError as error:
        assert error.response["Error"]["Code"] in {"SerializationException", "ValidationException"}
        assert answers.refusal(call, error).status_code == 400


def test_every_hook_has_a_handler():
    for hook in HOOKS:
        assert callable(handler(hook.handler)), hook


HEADERS = st.dictionaries(
    st.sampled_from(["X-Amz-Target", "Authorization", "Smithy-Protocol", "Content-Type"]),
    st.sampled_from(
        ["rpc-v2-cbor", "SageMaker.", ".", "SageMaker.Nonsense", "a.b.c",
         "application/x-www-form-urlencoded", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e",
         "AWS4-HMAC-SHA256 Credential=////", "Credential=", "Basic x"]
    ),
)  # fmt: skip


@settings(deadline=None)
@given(HEADERS, st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=30),
       st.binary(max_size=30))  # fmt: skip
def test_any_request_is_routed(headers: dict[str, str], path: str, body: bytes):
    environ = EnvironBuilder(
        path="/x", method="POST", data=body, headers=list(headers.items())
    ).get_environ()
    environ["PATH_INFO"] = f"/{path}"
    call = wire.call_of(Request(environ))
    assert call.protocol in {"json", "cbor", "query", "rest"}
    for hook in HOOKS:
        assert hook.matches(call) in {True, False}
