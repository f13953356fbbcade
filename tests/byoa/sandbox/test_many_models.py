"""A multi-model endpoint on the sandbox: its models come and go on the sandbox's S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from byoa.sandbox.environment import variables
from byoa.sandbox.state import State
from tests.byoa.conftest import Byoa
from tests.byoa.sandbox.conftest import ALGORITHM, Clients, refused
from tests.serving_home import archive

ON = ("--on", "sandbox", "-p", "homes")
NAME = "homes-many"


@pytest.fixture
def command(byoa: Byoa, home: Path, sandbox: State, monkeypatch: pytest.MonkeyPatch) -> Byoa:
    """`byoa` of a home whose sandbox is the one of all tests here."""
    home.mkdir()
    (home / "sandbox").symlink_to(sandbox.folder)
    for name, value in variables(sandbox).items():  # `byoa` sets them for good
        monkeypatch.setenv(name, value)
    return byoa


def model(factor: float) -> bytes:
    return archive({"model.json": json.dumps({"factor": factor})})


def ask(client: Clients, target: str) -> Any:
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, Body=b"21", ContentType="application/json", TargetModel=target
    )
    return json.load(answer["Body"])["answer"]


def test_models_come_and_go_on_s3(command: Byoa, client: Clients) -> None:
    Path("models/two").mkdir(parents=True)
    Path("models/two/model.json").write_text('{"factor": 2}')
    Path("models/ten.tar.gz").write_bytes(model(10))
    Path("n.json").write_text("21")
    words = ("--model", "models", "--multi-model", "--endpoint", NAME, "--image", ALGORITHM)
    made = command("deploy", *ON, *words, "--json")
    assert made.json["EndpointStatus"] == "InService", made.err
    sagemaker, s3 = client("sagemaker"), client("s3")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=made.json["EndpointConfigName"])
    served = config["ProductionVariants"][0]["ModelName"]
    container = sagemaker.describe_model(ModelName=served)["PrimaryContainer"]
    bucket, prefix = container["ModelDataUrl"].removeprefix("s3://").split("/", 1)
    assert (container["Mode"], prefix) == ("MultiModel", f"homes/endpoints/{NAME}/models/")

    asked = command("invoke", *ON, NAME, "n.json", "--target-model", "two.tar.gz")
    assert asked.json == {"answer": 42}
    s3.put_object(Bucket=bucket, Key=f"{prefix}team/später 模.tar.gz", Body=model(3))
    assert ask(client, "team/später 模.tar.gz") == 63  # no deployment since

    for name in ("team/später 模", "ten"):
        s3.delete_object(Bucket=bucket, Key=f"{prefix}{name}.tar.gz")
    assert ask(client, "team/später 模.tar.gz") == 63  # what is loaded stays, as on AWS
    call = client("sagemaker-runtime").invoke_endpoint
    for target in ("ten.tar.gz", "never.tar.gz"):
        code, text = refused(call, EndpointName=NAME, Body=b"1", TargetModel=target)
        assert code == "ValidationError"
        assert text.startswith(f"Failed to download model data(bucket: {bucket}, key: {prefix}")
    said = command("invoke", *ON, NAME, "n.json")
    assert said.code == 1 and "--target-model NAME.tar.gz" in said.err

    again = command("deploy", *ON, *words, "--json")  # sends what is not there
    assert again.json["EndpointConfigName"] == made.json["EndpointConfigName"]
    assert ask(client, "ten.tar.gz") == 210
    assert command("undeploy", *ON, NAME).code == 0
    assert command("list", *ON, "--json").json == []
