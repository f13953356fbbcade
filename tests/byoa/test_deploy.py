"""byoa deploy, invoke and undeploy: endpoints are plain processes; AWS is moto and Stubber."""

from __future__ import annotations

import io
import json
import os
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from byoa import deploy, many_models, models
from byoa.aws import endpoints
from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.local import SageMaker
from byoa.local.folder_storage import FolderStorage
from byoa.place import Place
from byoa.plan.endpoint import alarm_requests
from byoa.plan.errors import JobFailedError, ServiceError, UsageError
from byoa.plan.image import MULTI_MODEL_LABEL, ImageFacts
from byoa.settings import Settings
from tests.byoa.conftest import Byoa
from tests.byoa.plan.service_model import accepted
from tests.local_home import ROOT

SMALL = ROOT / "tests/small_algorithm"
ON = ("--on", "process", "-p", "demo")
MODEL = ("--model", "model", "--image", SMALL)
ROLE = "arn:aws:iam::123456789012:role/byoa-demo"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazon" + "aws.com/faces:v1"
DATA = "s3://bucket/model.tar.gz"


@pytest.fixture
def model(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a model; every endpoint that is made of it is gone after the test."""
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "10")
    path = Path("model/model.json").absolute()
    path.parent.mkdir()
    path.write_text('{"factor": 2}')
    yield path
    sagemaker = SageMaker(home)
    names = [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]]
    for name in names:
        endpoints.delete(sagemaker, "delete_endpoint", name)
        endpoints.settled(sagemaker, name, 0.05, lambda _: None)


def left(home: Path) -> dict[str, list[str]]:
    """The names of all models, configurations and endpoints."""
    kinds = ("models", "endpoint-configs", "endpoints")
    return {kind: sorted(path.name for path in (home / kind).glob("[!.]*")) for kind in kinds}


def test_a_folder_becomes_an_endpoint_that_answers(model: Path, byoa: Byoa, home: Path):
    done = byoa("deploy", *ON, *MODEL)
    assert done.code == 0, done.err
    assert "endpoint demo: InService" in done.err and "EndpointName:" in done.out
    Path("seven.txt").write_text("7")
    answer = byoa("invoke", "demo", "seven.txt", "--on", "process")
    assert json.loads(answer.out) == {"answer": 14}
    kept = byoa("invoke", "demo", "seven.txt", "--on", "process", "-o", "out/a.json")
    assert kept.out == "" and json.loads(Path("out/a.json").read_text()) == {"answer": 14}
    before = left(home)
    named = byoa("undeploy", "demo", "--on", "process", "--json", "--dry-run")
    assert left(home) == before
    gone = byoa("undeploy", "demo", "--on", "process", "--json")
    assert [row["kind"] for row in gone.json] == ["endpoint", "endpoint_config", "model"]
    assert gone.json == named.json
    assert left(home) == {"models": [], "endpoint-configs": [], "endpoints": []}
    again = byoa("undeploy", "demo", "--on", "process")
    assert again.code == 2 and "There is no endpoint demo" in again.err


def test_the_same_twice_is_one_and_another_replaces_it(model: Path, byoa: Byoa, home: Path):
    byoa("deploy", *ON, *MODEL)
    before = left(home)
    done = byoa("deploy", *ON, *MODEL)
    assert "serves exactly that already" in done.err and left(home) == before
    model.write_text('{"factor": 3}')
    done = byoa("deploy", *ON, *MODEL, "--json")
    assert done.code == 0, done.err
    assert "endpoint demo: Updating" in done.err
    after = left(home)
    assert [len(names) for names in after.values()] == [1, 1, 1]
    assert after["models"] != before["models"]
    assert done.json["EndpointConfigName"] == after["endpoint-configs"][0]
    Path("x.txt").write_text("1")
    assert json.loads(byoa("invoke", "demo", "x.txt", "--on", "process").out) == {"answer": 3}


def test_what_to_do_with_an_endpoint_is_said_and_where_its_page_is(model: Path, byoa: Byoa):
    done = byoa("deploy", *ON, *MODEL)
    next_line, page = done.err.splitlines()[-2:]
    assert next_line == (
        "Next: byoa invoke demo FILE --on process   byoa logs demo --on process"
        "   byoa undeploy demo --on process"
    )
    with urllib.request.urlopen(page.removeprefix("In a browser: "), timeout=5) as answer:
        assert b"<title>Playground</title>" in answer.read()


def test_a_failure_tells_why_and_leaves_nothing(model: Path, byoa: Byoa, home: Path):
    model.write_text("{")
    done = byoa("deploy", *ON, *MODEL)
    assert done.code == 1 and done.out == ""
    assert "The endpoint demo is Failed" in done.err and "JSONDecodeError" in done.err
    assert left(home) == {"models": [], "endpoint-configs": [], "endpoints": []}
    assert "JSONDecodeError" in byoa("logs", "demo", "--on", "process").out
    assert byoa("logs", "nobody", "--on", "process").code == 1
    byoa("deploy", *ON, *MODEL, "--keep")
    assert [len(names) for names in left(home).values()] == [1, 1, 1]
    model.write_text('{"factor": 2}')
    done = byoa("deploy", *ON, *MODEL)
    assert done.code == 0, "an endpoint that has failed is deleted and made anew"


def test_an_update_that_fails_leaves_what_served_before(model: Path, byoa: Byoa, home: Path):
    byoa("deploy", *ON, *MODEL)
    before = left(home)
    model.write_text("{")
    done = byoa("deploy", *ON, *MODEL)
    assert done.code == 1 and "was rolled back: it serves what it served before" in done.err
    assert left(home) == before
    Path("x.txt").write_text("1")
    assert json.loads(byoa("invoke", "demo", "x.txt", "--on", "process").out) == {"answer": 2}


def test_a_folder_of_models_becomes_one_endpoint(model: Path, byoa: Byoa, home: Path):
    folder = model.parent.parent / "models"
    for name, factor in (("two", 2), ("three", 3)):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.json").write_text(json.dumps({"factor": factor}))
    Path("n.json").write_text("21")
    words = ("--model", "models", "--multi-model", "--endpoint", "many", "--image", SMALL)
    made = json.loads(byoa("deploy", *ON, *words, "--json").out)
    assert made["EndpointStatus"] == "InService"
    for name, answer in (("two", 42.0), ("three", 63.0)):
        said = byoa("invoke", *ON, "many", "n.json", "--target-model", f"{name}.tar.gz")
        assert json.loads(said.out) == {"answer": answer}
    models.pack(folder / "two", folder / "four.tar.gz")  # more of them need no other endpoint
    assert json.loads(byoa("deploy", *ON, *words, "--json").out) == made
    said = byoa("invoke", *ON, "many", "n.json", "--target-model", "four.tar.gz")
    assert json.loads(said.out) == {"answer": 42.0}
    for wrong in (["--serverless", "2048"], ["-t", "faces"], ["--model", "n.json"]):
        assert byoa("deploy", *ON, *words, *wrong).code == 2


def test_a_dry_run_prints_every_request_and_sends_none(model: Path, byoa: Byoa, home: Path):
    done = byoa("deploy", *ON, *MODEL, "--dry-run", "--autoscale", "1:3:600", "--capture")
    methods = [name for step in done.json for name in step]
    assert methods == [
        "sagemaker.create_model",
        "sagemaker.create_endpoint_config",
        "sagemaker.create_endpoint",
        "application-autoscaling.register_scalable_target",
        "application-autoscaling.put_scaling_policy",
    ]
    assert left(home) == {"models": [], "endpoint-configs": [], "endpoints": []}
    assert not (home / "storage").exists()
    made = byoa("deploy", *ON, *MODEL, "--capture").out
    config = done.json[1]["sagemaker.create_endpoint_config"]
    assert config["EndpointConfigName"] in made, "a dry run says the names that it will have"
    assert config["DataCaptureConfig"]["DestinationS3Uri"].endswith("/demo/endpoints/demo/capture")


def test_flags_become_fields_of_the_requests(model: Path, byoa: Byoa):
    flags = ("--serverless", "4096:5", "--env", "A", "b", "--tag", "team", "vision")
    (model_, config, _) = byoa("deploy", *ON, *MODEL, *flags, "--dry-run").json
    container = model_["sagemaker.create_model"]["PrimaryContainer"]
    assert container["Environment"] == {"A": "b", "BYOA_SERVING_MODE": "serverless"}
    assert {"Key": "team", "Value": "vision"} in model_["sagemaker.create_model"]["Tags"]
    (variant,) = config["sagemaker.create_endpoint_config"]["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
    more = json.dumps({"endpoint_config": {"ExecutionRoleArn": ROLE}})
    words = [
        "--async",
        "--async-failures",
        "file:///bad",
        "--it",
        "ml.g5.xlarge",
        "--ic",
        "2",
        "--request",
    ]
    config = byoa("deploy", *ON, *MODEL, *words, more, "--dry-run").json[1]
    request = config["sagemaker.create_endpoint_config"]
    assert request["ExecutionRoleArn"] == ROLE
    assert request["ProductionVariants"][0]["InitialInstanceCount"] == 2
    output = request["AsyncInferenceConfig"]["OutputConfig"]
    assert output["S3OutputPath"].endswith("/demo/endpoints/demo/async_output")
    for bad in (("--serverless", "lots"), ("--autoscale", "3:1"), ("--request", "[]")):
        done = byoa("deploy", *ON, *MODEL, *bad, "--dry-run")
        assert done.code == 2, (bad, done)
    nothing = byoa("deploy", *ON, "--image", SMALL)
    assert nothing.code == 2 and "Which model?" in nothing.err


def test_the_model_of_a_task_with_the_image_that_trained_it(model: Path, byoa: Byoa):
    trained = byoa("train", *ON, "-t", "first", "--image", SMALL, "-h", "factor=4")
    assert trained.code == 0, trained.err
    done = byoa("deploy", *ON, "-t", "first")
    assert done.code == 0, done.err
    Path("x.txt").write_text("1")
    answer = byoa("invoke", "demo-first", "x.txt", "--on", "process")
    assert json.loads(answer.out) == {"answer": 4}
    none = byoa("deploy", *ON, "-t", "second")
    assert none.code == 2 and "Name a task that has run" in none.err


def test_a_scripts_model_needs_a_program_that_answers(model: Path, byoa: Byoa):
    Path("script.py").write_text(
        "import os, pathlib, sys\n"
        "code = pathlib.Path(os.environ['SM_MODEL_DIR'], *sys.argv[2:])\n"
        "code.mkdir(exist_ok=True)\n"
        "(code / 'inference.py').write_text('def transform_fn(*a): return \"5\"')\n"
    )
    assert byoa("run", "script.py", *ON, "--in", ".").code == 0
    none = byoa("deploy", *ON, "-t", "script")
    assert none.code == 2 and "Name a folder with an inference.py, --image FOLDER" in none.err
    assert byoa("run", "script.py", *ON, "--in", "code").code == 0
    assert byoa("deploy", *ON, "-t", "script", "--dry-run").code == 0


def test_an_asynchronous_endpoint(model: Path, byoa: Byoa):
    done = byoa("deploy", *ON, *MODEL, "--async")
    assert done.code == 0, done.err
    Path("x.txt").write_text("5")
    answer = byoa("invoke", "demo", "x.txt", "--async", "-o", "a.json", "--on", "process")
    assert answer.code == 0, answer.err
    assert json.loads(Path("a.json").read_text()) == {"answer": 10}
    queued = byoa("invoke", "demo", "x.txt", "--async", "--on", "process", "--json").json
    assert queued["OutputLocation"].startswith("file://")
    direct = byoa("invoke", "demo", "x.txt", "--on", "process")
    assert direct.code == 1 and "is asynchronous" in direct.err


def test_what_cannot_be_invoked_is_said(model: Path, byoa: Byoa):
    Path("big.bin").write_bytes(b"")
    os.truncate("big.bin", (25 << 20) + 1)
    on = ("--on", "process")
    big = byoa("invoke", "demo", "big.bin", *on)
    assert big.code == 2 and "--async" in big.err
    none = byoa("invoke", "demo", "nothing.jpg", *on)
    assert none.code == 2 and "nothing.jpg" in none.err
    address = byoa("invoke", "demo", "s3://b/k", *on)
    assert address.code == 2 and "Give --async" in address.err
    Path("x.txt").write_text("5")
    unknown = byoa("invoke", "demo", "x.txt", *on)
    assert unknown.code == 1 and "There is no endpoint demo on process" in unknown.err


def test_model_folders_are_packed_reproducibly_and_checked(tmp_path: Path):
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "code/inference.py").write_text("x")
    (folder / "weights.pt").write_bytes(b"w" * 100)
    first = models.pack(folder, tmp_path / "a.tar.gz").read_bytes()
    os.utime(folder / "weights.pt", (1, 1))
    assert models.pack(folder, tmp_path / "b.tar.gz").read_bytes() == first
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == ["code/inference.py", "weights.pt"]
    (folder / "weights.pt").write_bytes(b"v" * 100)
    assert models.pack(folder, tmp_path / "b.tar.gz").read_bytes() != first
    links = io.BytesIO()
    with tarfile.open(fileobj=links, mode="w:gz") as tar:
        link = tarfile.TarInfo("w.pt")
        link.type, link.linkname = tarfile.SYMTYPE, "x"
        tar.addfile(link)
    (tmp_path / "c.tar.gz").write_bytes(links.getvalue())
    with pytest.raises(UsageError, match=r"w\.pt is a link"):
        models.checked(tmp_path / "c.tar.gz")
    (tmp_path / "d.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UsageError, match=r"is no \.tar\.gz"):
        models.checked(tmp_path / "d.tar.gz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no files"):
        models.pack(tmp_path / "empty", tmp_path / "e.tar.gz")


# -- AWS ----------------------------------------------------------------------------------------


def aws(sagemaker: Any, tmp_path: Path, **changed: Any) -> Place:
    return Place(
        **{
            "name": "sagemaker",
            "storage": FolderStorage(tmp_path / "storage"),
            "sagemaker": sagemaker,
            "runtime": None,
            "logs": boto3.client("logs", region_name="us-east-1"),
            "role": ROLE,
            **changed,
        }
    )


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def planned(
    place: Place, monkeypatch: pytest.MonkeyPatch | None = None, **wanted: Any
) -> list[Any]:
    given = {"model": DATA, "image": IMAGE, "endpoint": "faces", "dry": True, **wanted}
    steps = deploy.plan(place, Settings(project="demo"), **given)
    for service, method, request in steps:
        operation = "".join(word.capitalize() for word in method.split("_"))
        accepted(service, operation, request)
    return steps


class NoMark(FolderStorage):
    """A storage that is not asked for what lies in S3."""

    def fingerprint(self, uri: str) -> str:
        return f"etag of {uri}"


@mock_aws
def test_every_request_is_one_that_aws_takes(tmp_path: Path, credentials: None):
    place = aws(boto3.client("sagemaker"), tmp_path, storage=NoMark(tmp_path))
    steps = planned(
        place,
        instance_type="ml.g5.xlarge",
        instance_count=2,
        autoscale="1:4:600",
        rollback_errors=5,
        capture="s3://bucket/captured",
        capture_percent=10,
        subnets=["subnet-1234"],
        security_groups=["sg-1234"],
        environment={"A": "b"},
        tags={"team": "vision"},
        request={
            "endpoint_config": {"KmsKeyId": "key"},
            "model": {"EnableNetworkIsolation": True},
            "endpoint": {"Tags": None},
        },
    )
    by_method = {method: request for _, method, request in steps}
    assert list(by_method) == [
        "create_model", "create_endpoint_config", "put_metric_alarm", "create_endpoint",
        "register_scalable_target", "put_scaling_policy",
    ]  # fmt: skip
    config = by_method["create_endpoint_config"]
    (variant,) = config["ProductionVariants"]
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 240
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 10
    assert config["KmsKeyId"] == "key"
    assert by_method["create_model"]["EnableNetworkIsolation"] is True
    assert "Tags" not in by_method["create_endpoint"]
    assert by_method["create_model"]["VpcConfig"]["Subnets"] == ["subnet-1234"]
    tags = {tag["Key"]: tag["Value"] for tag in by_method["create_model"]["Tags"]}
    assert tags == {"byoa:endpoint": "faces", "byoa:project": "demo", "team": "vision"}


@mock_aws
def test_serverless_and_async_tell_the_container_their_mode(tmp_path: Path, credentials: None):
    place = aws(boto3.client("sagemaker"), tmp_path, storage=NoMark(tmp_path))
    model, config, _ = planned(place, memory_mb=4096, concurrency=5)
    assert model[2]["PrimaryContainer"]["Environment"] == {"BYOA_SERVING_MODE": "serverless"}
    (variant,) = config[2]["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
    assert "InstanceType" not in variant
    model, config, _ = planned(place, async_output="s3://bucket/answers")
    assert model[2]["PrimaryContainer"]["Environment"] == {"BYOA_SERVING_MODE": "async"}
    output = config[2]["AsyncInferenceConfig"]["OutputConfig"]
    assert output["S3OutputPath"] == "s3://bucket/answers"
    with pytest.raises(UsageError, match="serverless memory is 1500 MB"):
        planned(place, memory_mb=1500)
    vpc = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}
    for refused in ({"autoscale": "1:2"}, {"isolation": True}, vpc):
        with pytest.raises(UsageError, match="Serverless has no"):
            planned(place, memory_mb=4096, **refused)
    with pytest.raises(UsageError, match="A deployment has no colour"):
        planned(place, colour="red")
    for text in ("many", "1", "1:inf", "1:nan", "1.5:3"):
        with pytest.raises(UsageError, match=f"'{text}' is not MIN:MAX"):
            planned(place, autoscale=text)


def test_the_images_labels_choose_the_machine_image_and_the_time_to_start(tmp_path: Path):
    facts = ImageFacts(IMAGE, labels={"byoa.cuda.version": "12.8"}, size_bytes=7_000_000_000)
    place = aws(None, tmp_path, logs=None)
    settings = Settings(project="demo")
    config = deploy.config_of(place, settings, facts, "faces", {"instance_type": "ml.g5.xlarge"})
    assert config.ami == "al2-ami-sagemaker-inference-gpu-2-1"
    assert config.startup_timeout is not None and config.startup_timeout > 240
    config = deploy.config_of(place, settings, facts, "faces", {"instance_type": "ml.m5.large"})
    assert config.ami is None
    config = deploy.config_of(place, settings, facts, "faces", {"memory_mb": 1024})
    assert config.ami is None and config.startup_timeout is None


@mock_aws
def test_many_models_are_a_prefix_and_need_the_label(tmp_path: Path, credentials: None):
    place = aws(boto3.client("sagemaker"), tmp_path, storage=NoMark(tmp_path))
    (model, *_) = planned(place, model="s3://bucket/models", multi_model=True)
    container = model[2]["PrimaryContainer"]
    assert (container["Mode"], container["ModelDataUrl"]) == ("MultiModel", "s3://bucket/models/")
    assert "ModelDataSource" not in container
    many_models.check_label(ImageFacts(IMAGE, digest="1", labels={MULTI_MODEL_LABEL: "true"}))
    with pytest.raises(UsageError, match="lacks the label"):
        many_models.check_label(ImageFacts(IMAGE, digest="1"))
    (tmp_path / "models/berlin").mkdir(parents=True)
    storage = S3Storage(boto3.client("s3"), "s3://bucket")
    place = replace(place, session=Session("us-east-1"), storage=storage)
    with pytest.raises(ClientError, match="RepositoryNotFound"):
        planned(place, model=str(tmp_path / "models"), multi_model=True, dry=False)
    assert not list(storage.objects("s3://bucket/"))  # the image is asked before anything is sent


@mock_aws
def test_a_whole_deployment_in_moto_and_its_end(tmp_path: Path, credentials: None):
    sagemaker = boto3.client("sagemaker")
    session = Session("us-east-1")
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    place = aws(sagemaker, tmp_path, session=session, storage=NoMark(tmp_path),
                role=role["Role"]["Arn"], name="sandbox")  # fmt: skip
    steps = planned(place, autoscale="1:2", rollback_errors=1)
    found = deploy.deploy(place, steps)
    assert found["EndpointStatus"] == "InService"
    scaling = boto3.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert [one["ResourceId"] for one in targets] == ["endpoint/faces/variant/AllTraffic"]
    alarms = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [one["AlarmName"] for one in alarms] == ["faces-AllTraffic-Invocation5XXErrors"]
    other = boto3.client("sagemaker")
    other.create_model(ModelName="somebodys", PrimaryContainer={"Image": IMAGE})
    deploy.undeploy(place, "faces")
    assert [one["ModelName"] for one in sagemaker.list_models()["Models"]] == ["somebodys"]
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert endpoints.describe(sagemaker, "faces") is None
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


class Served(SageMaker):
    """byoa.local with one endpoint of somebody's."""

    owner = "demo"

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        return {"EndpointStatus": "InService", "EndpointArn": "arn", "EndpointConfigName": "c"}

    def list_tags(self, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": "byoa:project", "Value": self.owner}]}


def test_an_update_keeps_the_machines_that_the_load_called_for(tmp_path: Path):
    place = aws(Served(tmp_path), tmp_path, logs=None, storage=NoMark(tmp_path))
    update = next(step[2] for step in planned(place, autoscale="1:4") if "update" in step[1])
    assert update["RetainAllVariantProperties"] is True
    assert "RetainAllVariantProperties" not in planned(place)[-1][2]


def test_another_project_s_endpoint_is_not_updated(tmp_path: Path):
    place = aws(Served(tmp_path), tmp_path, logs=None, storage=NoMark(tmp_path))
    place.sagemaker.owner = "other"
    with pytest.raises(UsageError, match="is of the project other"):
        planned(place)


class Calls:
    """Remembers what is called; `answers` says what else than {} comes, or what is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.called = answers, list[str]()

    def client(self, name: str) -> Calls:
        return self

    def __getattr__(self, method: str) -> Any:
        def call(**_: Any) -> Any:
            self.called.append(method)
            answer = self.answers.get(method, {})
            answer = answer.pop(0) if isinstance(answer, list) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def test_a_cut_while_an_update_moves_deletes_nothing_that_it_needs(tmp_path: Path):
    here = {"EndpointStatus": "InService", "EndpointConfigName": "c1"}
    sagemaker = Calls(describe_endpoint=[here, ConnectionError("cut")])
    steps: list[Any] = [
        ("sagemaker", "create_endpoint_config", {"EndpointConfigName": "c2"}),
        ("sagemaker", "update_endpoint", {"EndpointName": "e", "EndpointConfigName": "c2"}),
    ]
    with pytest.raises(ConnectionError):
        deploy.deploy(aws(sagemaker, tmp_path, logs=None), steps)
    assert sagemaker.called[-1] == "describe_endpoint"


@pytest.mark.parametrize(("config", "joined"), [("c2", True), ("other", False)])
def test_an_endpoint_that_is_there_is_ours_if_it_has_our_configuration(
    tmp_path: Path, config: str, joined: bool
):
    there = ServiceError("ValidationException", "Cannot create already existing endpoint", "C")
    gone = ServiceError("ValidationException", "Could not find endpoint", "DescribeEndpoint")
    found = {"EndpointStatus": "InService", "EndpointConfigName": config}
    sagemaker = Calls(
        describe_endpoint=[gone, found, found], create_endpoint=there,
        describe_endpoint_config={"ProductionVariants": []},
        list_endpoint_configs={"EndpointConfigs": []}, list_models={"Models": []},
    )  # fmt: skip
    last = {"EndpointName": "e", "EndpointConfigName": "c2"}
    place = aws(sagemaker, tmp_path, logs=None)
    if joined:
        assert deploy.deploy(place, [("sagemaker", "create_endpoint", last)]) == found
    else:
        with pytest.raises(ServiceError, match="already existing"):
            deploy.deploy(place, [("sagemaker", "create_endpoint", last)])


def test_an_alarm_goes_with_the_endpoint_that_could_not_be_made(tmp_path: Path):
    gone = ServiceError("ValidationException", "Could not find endpoint", "DescribeEndpoint")
    sagemaker = Calls(describe_endpoint=gone, create_endpoint=ValueError("quota"))
    watch = Calls()
    steps: list[Any] = [
        ("cloudwatch", "put_metric_alarm", alarm_requests("e", {})[0]),
        ("sagemaker", "create_endpoint", {"EndpointName": "e", "EndpointConfigName": "c2"}),
    ]
    with pytest.raises(ValueError, match="quota"):
        deploy.deploy(aws(sagemaker, tmp_path, logs=None, session=watch), steps)
    assert watch.called == ["put_metric_alarm", "delete_alarms"]


def test_scaling_goes_before_the_endpoint_that_would_take_it_along(
    tmp_path: Path, credentials: None
):
    with mock_aws():
        place = aws(boto3.client("sagemaker"), tmp_path, session=Session("us-east-1"),
                    storage=NoMark(tmp_path), name="sandbox")  # fmt: skip
        deploy.deploy(place, planned(place, autoscale="1:2"))
        kinds = [row["kind"] for row in deploy.undeploy(place, "faces")]
    assert kinds == ["scaling", "endpoint", "endpoint_config", "model"]


def test_the_role_may_write_where_the_endpoint_writes():
    wanted = {"async_output": "s3://a/answers", "capture": "", "async_failures": "s3://b/bad"}
    assert models.written(wanted) == ["s3://a/answers", "s3://b/bad"]


def test_an_endpoint_of_aws_that_rolls_back_is_told_with_its_reason(
    tmp_path: Path, credentials: None
):
    sagemaker, logs = boto3.client("sagemaker"), boto3.client("logs")
    steps: list[Any] = [
        ("sagemaker", "create_model", {"ModelName": "m2"}),
        ("sagemaker", "create_endpoint_config", {"EndpointConfigName": "c2", "ProductionVariants": [
            {"VariantName": "AllTraffic", "ModelName": "m2"}]}),
        ("sagemaker", "update_endpoint", {"EndpointName": "faces", "EndpointConfigName": "c2"}),
    ]  # fmt: skip
    arn = "arn:aws:sagemaker:us-east-1:123456789012:x/y"
    base = {
        "EndpointName": "faces", "EndpointArn": arn, "EndpointConfigName": "c1",
        "CreationTime": datetime.now(timezone.utc), "LastModifiedTime": 1,
    }  # fmt: skip
    with Stubber(sagemaker) as answers, Stubber(logs) as lines:
        answers.add_response("describe_endpoint", {**base, "EndpointStatus": "InService"})
        answers.add_response("create_model", {"ModelArn": arn})
        answers.add_response("create_endpoint_config", {"EndpointConfigArn": arn})
        answers.add_response("update_endpoint", {"EndpointArn": arn})
        answers.add_response("describe_endpoint", {**base, "EndpointStatus": "Updating"})
        reason = "One or more configured alarms went off"
        answers.add_response(
            "describe_endpoint",
            {**base, "EndpointStatus": "InService", "FailureReason": reason},
        )
        answers.add_response("delete_endpoint_config", {}, {"EndpointConfigName": "c2"})
        answers.add_client_error(
            "delete_model", "ValidationException", 'Could not find model "m2".'
        )
        lines.add_client_error("describe_log_streams", "ResourceNotFoundException", "no group")
        place = aws(sagemaker, tmp_path, logs=logs, name="process")
        with pytest.raises(JobFailedError, match=f"was rolled back.*{reason}"):
            deploy.deploy(place, steps)
        answers.assert_no_pending_responses()


def test_another_variant_joins_those_that_are_there(model: Path, byoa: Byoa):
    byoa("deploy", *ON, *MODEL)
    model.write_text('{"factor": 7}')
    words = ("--variant", "challenger", "--weight", "0")
    done = byoa("deploy", *ON, *MODEL, *words, "--json")
    assert done.code == 0, done.err
    assert [one["VariantName"] for one in done.json["ProductionVariants"]] == [
        "AllTraffic", "challenger",
    ]  # fmt: skip
    Path("x.txt").write_text("1")
    on = ("--on", "process")
    assert json.loads(byoa("invoke", "demo", "x.txt", *on).out) == {"answer": 2}
    challenger = byoa("invoke", "demo", "x.txt", *on, "--variant", "challenger")
    assert json.loads(challenger.out) == {"answer": 7}


def test_only_what_was_made_for_the_endpoint_is_its_own(tmp_path: Path):
    sagemaker = SageMaker(tmp_path)
    for name, owner in (("e-1", "e"), ("e-2", "e"), ("e-3", "e-x"), ("e-4", ""), ("other", "e")):
        tags = [{"Key": endpoints.TAG, "Value": owner}] if owner else []
        sagemaker.create_model(
            ModelName=name, PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE, Tags=tags
        )
    found = endpoints.own(sagemaker, "e", keep=("e-2",))
    assert list(found) == [("delete_model", "other"), ("delete_model", "e-1")], "newest first"
    endpoints.delete(sagemaker, "delete_model", "e-1")
    endpoints.delete(sagemaker, "delete_model", "e-1")


def test_waiting_asks_until_it_is_settled():
    statuses = ["Creating", "Creating", "InService"]

    class Slow:
        def describe_endpoint(self, **_: Any) -> dict[str, Any]:
            return {"EndpointStatus": statuses.pop(0)}

    told: list[str] = []
    naps: list[float] = []
    found = endpoints.settled(Slow(), "e", 10.0, told.append, naps.append)
    assert found == {"EndpointStatus": "InService"}
    assert told == ["endpoint e: Creating", "endpoint e: InService"] and naps == [10.0, 10.0]


def test_python_says_it_with_keywords(model: Path, home: Path):
    from byoa.place import open_place

    settings = Settings(project="demo", on="process", request={"model": {"Tags": None}})
    found = deploy.deploy_task(
        open_place(settings), settings, model=str(model.parent), image=str(SMALL), endpoint="mine"
    )
    assert (found["EndpointName"], found["EndpointStatus"]) == ("mine", "InService")


def test_a_deploy_that_does_not_wait_returns_at_once(model: Path, byoa: Byoa, home: Path):
    done = byoa("deploy", *ON, *MODEL, "--no-wait", "--json")
    assert done.code == 0 and "InService" not in done.err
    assert done.json["EndpointStatus"] in {"Creating", "InService"}
