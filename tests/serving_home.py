"""A home with models and endpoints: made, waited for, asked; all of them end with the test."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byoa.local import Runtime
from byoa.plan.errors import ServiceError
from tests.byoa.plan.service_model import model as service_model
from tests.local_home import ROLE, ROOT, Home

PROBE = ROOT / "tests/byoa/local/fixtures/probe/inference.py"
BUSY = {"Creating", "Updating", "Deleting"}
ENDPOINTS = "/aws/sagemaker/Endpoints/"


def archive(files: Mapping[str, bytes | str]) -> bytes:
    """A .tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def checked(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, which has just the members that botocore's model of it has."""
    from botocore.validate import ParamValidator

    shape = service_model("sagemaker").operation_model(operation).output_shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), f"{operation}: {report.generate_report()}"
    return answer


@dataclass
class ServingHome(Home):
    """model(…), config(…), endpoint(…): their requests with what a test does not care about."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.runtime = Runtime(self.root)

    def model(self, name: str = "model", factor: float = 2, **changed: Any) -> None:
        files: dict[str, bytes | str] = {
            "model.json": json.dumps({"factor": factor}),
            "code/inference.py": PROBE.read_bytes(),
        }
        data = self.put(f"models/{name}/model.tar.gz", archive(files))
        environment = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", **changed.pop("Environment", {})}
        container = {"Image": self.image, "ModelDataUrl": data, "Environment": environment}
        container = {**container, **changed.pop("PrimaryContainer", {})}
        made = self.sagemaker.create_model(
            ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE, **changed
        )
        checked("CreateModel", made)

    def config(self, name: str = "model", variant: Mapping[str, Any] = {}, **more: Any) -> None:
        whole = {"VariantName": "AllTraffic", "ModelName": name, **variant}
        if "ServerlessConfig" not in whole:
            whole = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **whole}
        variants = more.pop("ProductionVariants", [whole])
        made = self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, **more
        )
        checked("CreateEndpointConfig", made)

    def serve(self, name: str = "model", factor: float = 2, **changed: Any) -> dict[str, Any]:
        """An endpoint of this name from nothing; what describe says once it is made."""
        config = changed.pop("config", {})
        self.model(name, factor, **changed)
        self.config(name, **config)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return self.settled(name)

    def endpoint(self, name: str = "model") -> dict[str, Any]:
        return checked("DescribeEndpoint", self.sagemaker.describe_endpoint(EndpointName=name))

    def settled(self, name: str = "model", seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while (found := self.endpoint(name))["EndpointStatus"] in BUSY:
            assert time.monotonic() < end, (found, self.endpoint_log(name))
            time.sleep(0.05)
        return found

    def gone(self, name: str = "model", seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                found = self.endpoint(name)
            except ServiceError as error:
                assert "Could not find endpoint" in str(error)
                return
            assert time.monotonic() < end, found
            time.sleep(0.05)

    def swept(self, seconds: float = 60) -> None:
        """No endpoint's folder is left: its name is free at once, its files go a little later."""
        end = time.monotonic() + seconds
        while left := list(self.root.glob("endpoints/*")):
            assert time.monotonic() < end, left
            time.sleep(0.05)

    def ask(self, body: Any = 21, name: str = "model", **options: Any) -> Any:
        """The model's answer to a JSON body."""
        answer = self.invoke(json.dumps(body).encode(), name, **options)
        return json.loads(answer["Body"].read())

    def invoke(self, body: bytes = b"21", name: str = "model", **options: Any) -> dict[str, Any]:
        options = {"ContentType": "application/json", **options}
        return self.runtime.invoke_endpoint(EndpointName=name, Body=body, **options)

    def start_transform(self, name: str = "job", **changed: Any) -> None:
        """A transform of in/ to out/ by the model `model`."""
        source = {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.uri("in/")}}
        }
        request = {
            "TransformJobName": name,
            "ModelName": "model",
            "TransformInput": {
                **source, "ContentType": "application/json", **changed.pop("TransformInput", {})
            },
            "TransformOutput": {
                "S3OutputPath": self.uri("out"), **changed.pop("TransformOutput", {})
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **changed,
        }  # fmt: skip
        made = self.sagemaker.create_transform_job(**request)
        checked("CreateTransformJob", made)

    def transform(self, name: str = "job", seconds: float = 60, **changed: Any) -> dict[str, Any]:
        """Runs a transform to its end; what describe says of it."""
        self.start_transform(name, **changed)
        return self.transformed(name, seconds)

    def transformed(self, name: str = "job", seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while True:
            answer = self.sagemaker.describe_transform_job(TransformJobName=name)
            found = checked("DescribeTransformJob", answer)
            if found["TransformJobStatus"] in {"Completed", "Failed", "Stopped"}:
                return found
            assert time.monotonic() < end, (found, self.log(name, group="TransformJobs"))
            time.sleep(0.05)

    def outputs(self) -> dict[str, bytes]:
        """What lies below out/."""
        folder = self.storage / "out"
        found = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}

    def endpoint_log(self, name: str = "model") -> str:
        try:
            found = self.logs.describe_log_streams(logGroupName=ENDPOINTS + name)["logStreams"]
        except ServiceError:
            return ""
        return "\n".join(
            event["message"]
            for stream in found
            for event in self.logs.get_log_events(
                logGroupName=ENDPOINTS + name,
                logStreamName=stream["logStreamName"],
                startFromHead=True,
            )["events"]
        )

    def close(self) -> None:
        names = [one["EndpointName"] for one in self.sagemaker.list_endpoints()["Endpoints"]]
        for name in names:
            self.sagemaker.delete_endpoint(EndpointName=name)
        for name in names:
            self.gone(name)
        super().close()


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServingHome]:
    """A home whose endpoints are plain processes."""
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "10")
    made = ServingHome(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def docker_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_image: str
) -> Iterator[ServingHome]:
    """A home whose endpoints are containers of the small image."""
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "10")
    made = ServingHome(tmp_path / "home", small_image)
    yield made
    made.close()
