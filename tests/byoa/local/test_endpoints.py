"""Endpoints from request to answer; tests/docker/test_local_serving.py: what needs containers."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from byoa.local.alive import is_alive
from byoa.local.exchange import exchange
from byoa.plan.errors import ServiceError, error_code
from tests.local_home import ROLE
from tests.serving_home import PROBE, ServingHome, checked, serving

__all__ = ["serving"]
ALL_AT_ONCE: Any = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    }
}
BROKEN: Any = {"Environment": {"PROBE_BROKEN": "1"}}


class Load:
    """Requests from several threads until the block ends; every answer and every error."""

    def __init__(self, home: ServingHome, threads: int = 4) -> None:
        self.home, self.over = home, threading.Event()
        self.answers: list[object] = []
        self.errors: list[Exception] = []
        self.threads = [threading.Thread(target=self.ask) for _ in range(threads)]

    def ask(self) -> None:
        while not self.over.is_set():
            try:
                self.answers.append(self.home.ask(1)["answer"])
            except Exception as error:
                self.errors.append(error)

    @contextmanager
    def on(self) -> Iterator[Load]:
        for thread in self.threads:
            thread.start()
        try:
            yield self
        finally:
            self.over.set()
            for thread in self.threads:
                thread.join()


def test_a_new_endpoint_serves_its_model(serving: ServingHome):
    found = serving.serve(factor=3)
    assert found["EndpointStatus"] == "InService", (found, serving.endpoint_log())
    assert "FailureReason" not in found
    (variant,) = found["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == serving.image
    answer = serving.invoke(b"7", CustomAttributes="a=b")
    assert json.loads(answer["Body"].read()) == {"answer": 21}
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert "model process 0 ready" in serving.endpoint_log()
    stream = serving.logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/model")
    assert stream["logStreams"][0]["logStreamName"].startswith("AllTraffic/i-")


def test_an_update_under_load_fails_no_request(serving: ServingHome):
    serving.serve(factor=2)
    serving.model("next", 5)
    serving.config("next")
    with Load(serving).on() as load:
        time.sleep(0.3)
        serving.sagemaker.update_endpoint(
            EndpointName="model", EndpointConfigName="next", DeploymentConfig=ALL_AT_ONCE
        )
        assert serving.endpoint()["EndpointStatus"] == "Updating"
        found = serving.settled()
        time.sleep(0.5)  # the old container drains and ends meanwhile
    assert load.errors == []
    assert set(load.answers) == {2, 5} and load.answers[-1] == 5
    assert found["EndpointConfigName"] == "next"
    assert found["LastDeploymentConfig"] == ALL_AT_ONCE
    assert serving.ask(1) == {"answer": 5}


def test_who_has_not_the_endpoints_key_is_not_answered(serving: ServingHome):
    serving.serve()
    address, key = serving.runtime.door("InvokeEndpoint", "model")
    secret = serving.put("secret", "hush")
    asked = {"x-amzn-sagemaker-inputlocation": secret, "content-type": "text/plain"}
    for given in ({}, dict.fromkeys(key, "x"), {"origin": "https://evil.example"}):
        for word in ("invocations", "async-invocations"):
            path = f"/endpoints/model/{word}"
            answer = exchange(address, "POST", path, b"21", {**asked, **given})
            assert answer.status == 403
    assert exchange(address, "POST", "/endpoints/model/invocations", b"21", key).status == 200
    assert not {"Key", "Port"} & set(serving.endpoint())


@pytest.mark.parametrize("nginx", ["true", "false"])
def test_a_process_listens_on_loopback_alone(serving: ServingHome, nginx: str):
    serving.serve(Environment={"BYOA_NGINX": nginx})
    port = int(serving.ask({"do": "environ"})["SAGEMAKER_BIND_TO_PORT"])
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}
    assert listening == {f"0100007F:{port:04X}"}


def test_a_slow_request_is_answered_by_the_container_that_is_being_replaced(serving: ServingHome):
    serving.serve(factor=2)
    serving.model("next", 5)
    serving.config("next")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(serving.ask, {"do": "sleep", "seconds": 3})
        time.sleep(0.3)
        serving.sagemaker.update_endpoint(EndpointName="model", EndpointConfigName="next")
        serving.settled()
        assert serving.ask(1) == {"answer": 5} and not slow.done()
        assert slow.result() == {"answer": 2}


def test_an_update_to_a_model_that_does_not_answer_is_rolled_back(serving: ServingHome):
    serving.serve(factor=2)
    serving.model("bad", **BROKEN)
    serving.config("bad")
    with Load(serving).on() as load:
        serving.sagemaker.update_endpoint(EndpointName="model", EndpointConfigName="bad")
        found = serving.settled()
    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == "model"
    assert "did not pass the ping health check" in found["FailureReason"]
    assert "the weights are for another network" in found["FailureReason"]
    assert load.errors == [] and set(load.answers) == {2}
    serving.model("good", 9)
    serving.config("good")
    serving.sagemaker.update_endpoint(EndpointName="model", EndpointConfigName="good")
    assert "FailureReason" not in serving.settled()
    assert serving.ask(1) == {"answer": 9}


def test_an_endpoint_whose_model_does_not_load_fails_and_says_why(serving: ServingHome):
    found = serving.serve(**BROKEN)
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith(
        "The primary container for production variant AllTraffic did not pass the ping health"
        " check. Please check CloudWatch logs for this endpoint."
    )
    assert "RuntimeError: the weights are for another network" in found["FailureReason"]
    assert len(found["FailureReason"]) <= 1024
    with pytest.raises(ServiceError, match="is Failed, not InService") as caught:
        serving.invoke()
    assert error_code(caught.value) == "ValidationError"
    with pytest.raises(ServiceError, match="Cannot update failed endpoint"):
        serving.sagemaker.update_endpoint(EndpointName="model", EndpointConfigName="model")


def test_a_model_that_loads_too_slowly_fails_with_the_last_answer(serving: ServingHome):
    variant = {"ContainerStartupHealthCheckTimeoutInSeconds": 2}
    found = serving.serve(Environment={"PROBE_LOADS": "30"}, config={"variant": variant})
    assert found["EndpointStatus"] == "Failed"
    assert "after 2 s GET /ping answered 503" in found["FailureReason"]
    assert "loading" in found["FailureReason"]


def test_a_model_may_lie_uncompressed_and_be_served_by_two_instances(serving: ServingHome):
    serving.put("plain/model.json", '{"factor": 4}')
    serving.put("plain/code/inference.py", PROBE.read_bytes())
    source = {"S3Uri": serving.uri("plain/"), "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {
        "Image": serving.image,
        "ModelDataSource": {"S3DataSource": source},
        "Environment": {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"},
    }
    serving.sagemaker.create_model(
        ModelName="model", PrimaryContainer=container, ExecutionRoleArn=ROLE
    )
    serving.config(variant={"InitialInstanceCount": 2})
    serving.sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="model")
    assert serving.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(serving.ask, {"do": "sleep", "seconds": 3})
        time.sleep(0.3)
        assert serving.ask(1) == {"answer": 4}
        assert not slow.done(), "each instance has one model process: the other one answered"
        assert slow.result() == {"answer": 4}


def test_an_endpoint_is_updated_again_and_deleted_while_the_first_one_still_answers(
    serving: ServingHome,
):
    serving.serve(factor=1)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(serving.ask, {"do": "sleep", "seconds": 5})
        time.sleep(0.3)
        for number in (2, 3):
            serving.model(f"m{number}", number)
            serving.config(f"m{number}")
            serving.sagemaker.update_endpoint(EndpointName="model", EndpointConfigName=f"m{number}")
            serving.settled()
            assert serving.ask(1) == {"answer": number}
        assert not slow.done() and slow.result() == {"answer": 1}
    end = time.monotonic() + 10
    while len(list((serving.root / "endpoints/model").glob("generation-*"))) > 1:
        assert time.monotonic() < end, "the files of fleets that are gone stay"
        time.sleep(0.1)


def test_model_data_that_is_not_there_or_holds_a_link_fails_the_endpoint(serving: ServingHome):
    serving.model()
    serving.config()
    (serving.storage / "models/model/model.tar.gz").unlink()
    serving.sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="model")
    found = serving.settled()
    assert found["EndpointStatus"] == "Failed" and "model.tar.gz" in found["FailureReason"]
    links = io.BytesIO()
    with tarfile.open(fileobj=links, mode="w:gz") as tar:
        link = tarfile.TarInfo("model.json")
        link.type, link.linkname = tarfile.SYMTYPE, "other.json"
        tar.addfile(link)
    serving.put("models/model/model.tar.gz", links.getvalue())
    serving.sagemaker.create_endpoint(EndpointName="links", EndpointConfigName="model")
    found = serving.settled("links")
    assert found["EndpointStatus"] == "Failed" and "link" in found["FailureReason"]


def test_errors_of_the_container_are_model_errors(serving: ServingHome):
    serving.serve()
    with pytest.raises(ServiceError) as caught:
        serving.ask({"do": "refuse", "status": 415})
    response = caught.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 415
    assert json.loads(response["OriginalMessage"]) == {"words": "not today"}
    assert response["LogStreamArn"].endswith("log-group:/aws/sagemaker/Endpoints/model")
    assert response["Error"]["Message"].startswith(
        'Received client error (415) from primary with message "{"words": "not today"}". See'
    )
    with pytest.raises(ServiceError, match=r"Received client error \(400\)"):
        serving.invoke(b"{")


def test_only_sagemakers_headers_pass(serving: ServingHome):
    serving.serve()
    answer = serving.invoke(
        json.dumps({"do": "headers"}).encode(),
        Accept="application/json",
        CustomAttributes="colour=red",
        InferenceId="mine",
        TargetVariant="AllTraffic",
    )
    seen = json.loads(answer["Body"].read())
    mark = "x-amzn-sagemaker-"
    assert seen[mark + "custom-attributes"] == "colour=red"
    assert seen[mark + "inference-id"] == "mine"
    assert seen[mark + "target-variant"] == "AllTraffic"
    ours = {"content-type", "accept", "content-length", "host", "accept-encoding", "connection"}
    others = {name for name in seen if not name.startswith((mark, "x-forwarded", "x-byoa"))}
    assert others <= ours
    assert answer["CustomAttributes"] == "seen=1"
    assert set(answer) == {"Body", "ContentType", "InvokedProductionVariant", "CustomAttributes"}


def test_unknown_endpoints_variants_and_too_much_are_refused_as_by_aws(serving: ServingHome):
    serving.serve()
    with pytest.raises(ServiceError, match="Endpoint nobody of account 123456789012 not found"):
        serving.invoke(name="nobody")
    with pytest.raises(ServiceError, match="Variant other not found") as caught:
        serving.invoke(TargetVariant="other")
    assert error_code(caught.value) == "ValidationError"
    with pytest.raises(ServiceError) as caught:
        serving.invoke(b"x" * ((25 << 20) + 1))
    assert error_code(caught.value) == "413"
    with pytest.raises(ServiceError, match="is not asynchronous"):
        serving.runtime.invoke_endpoint_async(EndpointName="model", InputLocation="file:///x")
    with pytest.raises(TypeError, match="no argument Acept"):
        serving.invoke(Acept="x")


def test_a_container_that_dies_is_started_again(serving: ServingHome):
    serving.serve()
    before = serving.ask({"do": "environ"})["SAGEMAKER_BIND_TO_PORT"]
    mark = f"SAGEMAKER_BIND_TO_PORT={before}".encode()
    (pid,) = processes(lambda folder: mark in read(folder / "environ") and
                       read(folder / "cmdline").endswith(b"container/bin/serve\0") and
                       b"leash" not in read(folder / "cmdline"))  # fmt: skip
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 30
    while "the container is started again" not in serving.endpoint_log():
        assert time.monotonic() < end, serving.endpoint_log()
        time.sleep(0.1)
    while True:
        try:
            after = serving.ask({"do": "environ"})["SAGEMAKER_BIND_TO_PORT"]
            break
        except ServiceError as error:
            assert error_code(error) in {"ModelError", "ServiceUnavailable"}
            assert time.monotonic() < end, error
            time.sleep(0.1)
    assert after != before
    assert serving.endpoint()["EndpointStatus"] == "InService"


def processes(wanted: Callable[[Path], bool]) -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if wanted(path)]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_two_variants_share_the_load_by_their_weights(serving: ServingHome):
    serving.model("old", 2)
    serving.model("new", 3)
    machine = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    serving.config(
        "both",
        ProductionVariants=[
            {"VariantName": "a", "ModelName": "old", "InitialVariantWeight": 1.0, **machine},
            {"VariantName": "b", "ModelName": "new", "InitialVariantWeight": 0.0, **machine},
        ],
    )
    serving.sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="both")
    assert serving.settled()["EndpointStatus"] == "InService"
    assert {serving.ask(1)["answer"] for _ in range(10)} == {2}
    assert serving.ask(1, TargetVariant="b") == {"answer": 3}
    serving.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="model",
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0},
            {"VariantName": "b", "DesiredWeight": 1},
        ],
    )
    found = serving.settled()
    assert [one["CurrentWeight"] for one in found["ProductionVariants"]] == [0, 1]
    assert {serving.ask(1)["answer"] for _ in range(10)} == {3}
    with pytest.raises(ServiceError, match="no variant 'c'"):
        serving.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="model", DesiredWeightsAndCapacities=[{"VariantName": "c"}]
        )


def test_asynchronous_requests_go_through_the_storage(serving: ServingHome):
    output = {"S3OutputPath": serving.uri("answers"), "S3FailurePath": serving.uri("failures")}
    config = {"AsyncInferenceConfig": {"OutputConfig": output}}
    found = serving.serve(config=config)
    assert found["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == serving.uri("answers")
    ask = serving.runtime.invoke_endpoint_async
    good = ask(
        EndpointName="model",
        InputLocation=serving.put("in/21.json", "21"),
        ContentType="application/json",
        InferenceId="mine",
    )
    bad = ask(
        EndpointName="model",
        InputLocation=serving.put("in/x.json", "{"),
        ContentType="application/json",
    )
    lost = ask(EndpointName="model", InputLocation=serving.uri("in/nothing"))
    inline = ask(EndpointName="model", Body=b"4", ContentType="application/json")
    assert good["InferenceId"] == "mine" and inline["InferenceId"]
    assert json.loads(arrived(serving, good["OutputLocation"])) == {"answer": 42}
    assert json.loads(arrived(serving, inline["OutputLocation"])) == {"answer": 8}
    assert b"Received client error (400)" in arrived(serving, bad["FailureLocation"])
    assert b"nothing cannot be read" in arrived(serving, lost["FailureLocation"])
    with pytest.raises(ServiceError, match="is asynchronous"):
        serving.invoke()
    with pytest.raises(ServiceError, match="is not between 1 and 3600"):
        ask(EndpointName="model", InputLocation="file:///x", InvocationTimeoutSeconds=3601)
    with pytest.raises(ServiceError, match="InputLocation is missing"):
        ask(EndpointName="model")


def arrived(serving: ServingHome, address: str, seconds: float = 20) -> bytes:
    path = serving.storage / address.removeprefix(serving.uri(""))
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{address} did not arrive"
        time.sleep(0.05)
    return path.read_bytes()


def test_data_capture_writes_awss_files(serving: ServingHome):
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": serving.uri("captured"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    found = serving.serve(config={"DataCaptureConfig": capture})
    assert found["DataCaptureConfig"]["CaptureStatus"] == "Started"
    serving.invoke(b"21", InferenceId="mine", CustomAttributes="a=b")
    with pytest.raises(ServiceError):
        serving.invoke(b"{")  # AWS keeps what was answered
    end = time.monotonic() + 20
    while not (files := sorted((serving.storage / "captured").rglob("*.jsonl"))):
        assert time.monotonic() < end
        time.sleep(0.1)
    hour = files[0].parent.relative_to(serving.storage / "captured")
    assert str(hour).startswith("model/AllTraffic/")
    datetime.strptime(str(hour), "model/AllTraffic/%Y/%m/%d/%H").replace(tzinfo=timezone.utc)
    (line,) = files[0].read_text().splitlines()
    record = json.loads(line)
    assert record["eventVersion"] == "0"
    assert record["eventMetadata"]["inferenceId"] == "mine"
    assert record["eventMetadata"]["customAttributes"] == ["a=b"]
    assert record["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": "21",
        "encoding": "JSON",
    }
    assert record["captureData"]["endpointOutput"]["data"] == '{"answer": 42}'


def test_an_endpoint_is_deleted_with_its_processes_and_its_tags(serving: ServingHome):
    serving.serve()
    arn = serving.endpoint()["EndpointArn"]
    serving.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    serving.sagemaker.delete_endpoint(EndpointName="model")
    serving.gone()
    assert serving.sagemaker.list_endpoints()["Endpoints"] == []
    serving.swept()
    with pytest.raises(ServiceError, match="Could not find endpoint"):
        serving.sagemaker.delete_endpoint(EndpointName="model")
    serving.sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="model")
    assert serving.settled()["EndpointStatus"] == "InService"


def test_an_endpoint_is_deleted_while_it_is_being_made(serving: ServingHome):
    serving.model(Environment={"PROBE_LOADS": "60"})
    serving.config()
    serving.sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="model")
    time.sleep(0.5)
    serving.sagemaker.delete_endpoint(EndpointName="model")
    assert serving.endpoint()["EndpointStatus"] == "Deleting"
    serving.gone(seconds=20)


def test_an_endpoint_whose_supervisor_was_killed_says_so(serving: ServingHome):
    serving.serve()
    folder = serving.root / "endpoints/model"
    words = f"byoa.local.supervise\0{folder}\0".encode()
    (pid,) = processes(lambda found: read(found / "cmdline").endswith(words))
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while is_alive(folder) and time.monotonic() < end:
        time.sleep(0.05)
    found = serving.endpoint()
    assert (
        found["EndpointStatus"] == "Failed"
        and "was this machine restarted" in found["FailureReason"]
    )
    serving.sagemaker.delete_endpoint(EndpointName="model")
    assert serving.sagemaker.list_endpoints()["Endpoints"] == []


def test_what_aws_would_refuse_is_refused(serving: ServingHome):
    sagemaker = serving.sagemaker
    serving.model()
    serving.config()
    with pytest.raises(ServiceError, match='Cannot create already existing model "arn:aws:sage'):
        serving.model()
    with pytest.raises(ServiceError, match="Cannot create already existing endpoint configuration"):
        serving.config()
    with pytest.raises(ServiceError, match='Could not find model "arn:aws:sagemaker'):
        serving.config("other", variant={"ModelName": "nothing"})
    with pytest.raises(ServiceError, match="Could not find endpoint configuration"):
        sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="nothing")
    with pytest.raises(ServiceError, match="regular expression"):
        serving.model("bad_name")
    with pytest.raises(ServiceError, match="MemorySizeInMB 1000"):
        serving.config("model", variant={"ServerlessConfig": {"MemorySizeInMB": 1000}})
    with pytest.raises(ServiceError, match="must be a prefix that ends in /"):
        serving.model("multi", PrimaryContainer={"Mode": "MultiModel"})
    with pytest.raises(ServiceError, match="run on AWS only"):
        serving.model("other", PrimaryContainer={"ModelPackageName": "package"})
    with pytest.raises(ServiceError, match=r"must be the path of one \.tar\.gz"):
        serving.model("zip", PrimaryContainer={"ModelDataUrl": "s3://b/model.zip"})
    for operation, arguments in {
        "describe_model": {"ModelName": "nothing"},
        "delete_model": {"ModelName": "nothing"},
        "describe_endpoint_config": {"EndpointConfigName": "nothing"},
        "describe_endpoint": {"EndpointName": "nothing"},
        "update_endpoint": {"EndpointName": "nothing", "EndpointConfigName": "model"},
    }.items():
        with pytest.raises(ServiceError, match="Could not find") as caught:
            getattr(sagemaker, operation)(**arguments)
        assert error_code(caught.value) == "ValidationException"


def test_what_is_described_and_listed_has_botocores_shapes(serving: ServingHome):
    serving.model(Tags=[{"Key": "a", "Value": "b"}])
    serving.config()
    sagemaker = serving.sagemaker
    described = checked("DescribeModel", sagemaker.describe_model(ModelName="model"))
    assert described["PrimaryContainer"]["Image"] == serving.image
    assert sagemaker.list_tags(ResourceArn=described["ModelArn"])["Tags"] == [
        {"Key": "a", "Value": "b"}
    ]
    config = sagemaker.describe_endpoint_config(EndpointConfigName="model")
    checked("DescribeEndpointConfig", config)
    checked("ListModels", sagemaker.list_models(NameContains="od"))
    checked("ListEndpointConfigs", sagemaker.list_endpoint_configs())
    sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="model")
    listed = checked("ListEndpoints", sagemaker.list_endpoints(StatusEquals="Creating"))
    assert [one["EndpointName"] for one in listed["Endpoints"]] == ["model"]
    serving.settled()
    sagemaker.delete_endpoint_config(EndpointConfigName="model")
    sagemaker.delete_model(ModelName="model")
    assert serving.ask(1) == {"answer": 2}, "the endpoint goes on without them"
    assert sagemaker.list_models()["Models"] == []


def test_captured_pictures_are_base64(serving: ServingHome):
    from byoa.local.data_capture import Capture
    from byoa.local.exchange import Answer
    from byoa.local.folder_storage import FolderStorage
    from byoa.local.invocation import Invocation

    config = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": serving.uri("c"),
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    capture = Capture("e", config, FolderStorage(serving.storage))
    record = capture.record(
        Invocation(b"\xff\xd8", {"content-type": "image/jpeg"}), Answer(200, {}, b"1")
    )
    capture.close()
    side = record["captureData"]["endpointInput"]
    assert base64.b64decode(side["data"]) == b"\xff\xd8" and side["encoding"] == "BASE64"
    assert "endpointOutput" not in record["captureData"]
