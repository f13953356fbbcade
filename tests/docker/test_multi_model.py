"""Many models in one container: an endpoint of docker, and a limit of memory that is real."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.image import MULTI_MODEL_LABEL
from tests.local_home import ROOT
from tests.serving_home import ServingHome, archive, docker_serving
from tests.small_image import small_image

__all__ = ["docker_serving", "small_image"]
pytestmark = pytest.mark.docker
PREDICTOR = ROOT / "tests/container/serving/fixtures/one_of_many/inference.py"


def docker(*words: str, text: str = "") -> str:
    said = subprocess.run(
        ["docker", *words], input=text, capture_output=True, text=True, check=True
    )
    return said.stdout.strip()


def many(home: ServingHome, name: str = "model") -> dict[str, Any]:
    container = {"Image": home.image, "Mode": "MultiModel", "ModelDataUrl": home.uri("many/")}
    role = "arn:aws:iam::123456789012:role/any"
    home.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    home.config(name)
    home.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return home.settled(name)


def test_an_endpoint_of_many_models(docker_serving: ServingHome) -> None:
    for name, factor in (("two", 2), ("three", 3)):
        files: dict[str, bytes | str] = {"model.json": json.dumps({"factor": factor})}
        docker_serving.put(f"many/{name}.tar.gz", archive(files))
    assert many(docker_serving)["EndpointStatus"] == "InService", docker_serving.endpoint_log()
    assert docker_serving.ask(21, TargetModel="two.tar.gz") == {"answer": 42}
    assert docker_serving.ask(21, TargetModel="three.tar.gz") == {"answer": 63}


def test_an_image_without_the_label_is_refused(docker_serving: ServingHome) -> None:
    image = f"{docker_serving.image}-one"
    dockerfile = f"FROM {docker_serving.image}\nLABEL {MULTI_MODEL_LABEL}=false\n"
    docker("build", "--quiet", "--tag", image, "-", text=dockerfile)
    try:
        docker_serving.image = image
        found = many(docker_serving)
        assert found["EndpointStatus"] == "Failed"
        assert f"does not contain required {MULTI_MODEL_LABEL}=true" in found["FailureReason"]
    finally:
        docker("rmi", image)


@pytest.fixture
def limited(small_image: str, tmp_path: Path) -> Iterator[str]:
    """A container with 700 MB and no byte more; its address."""
    for name, mib in (("small", 1), ("big", 100), ("secret", 1)):
        folder = tmp_path / "models" / name / "model"
        (folder / "code").mkdir(parents=True)
        shutil.copy(PREDICTOR, folder / "code")
        (folder / "model.json").write_text(json.dumps({"factor": 2, "mib": mib}))
    (tmp_path / "models/secret/model").chmod(0o700)
    name = docker(
        "run", "--detach", "--init", "--memory=700m", "--memory-swap=700m",
        "--publish=127.0.0.1::8080",
        "--env=SAGEMAKER_MULTI_MODEL=true", f"--volume={tmp_path}/models:/opt/ml/models:ro",
        small_image, "serve",
    )  # fmt: skip
    try:
        yield docker("port", name, "8080/tcp").splitlines()[0]
        state = json.loads(docker("inspect", name))[0]["State"]
        assert state["Running"] and not state["OOMKilled"], docker("logs", name)
    finally:
        docker("rm", "--force", name)


def ask(address: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_507_comes_before_the_kernel_kills(limited: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            if ask(limited, "GET", "/ping")[0] == 200:
                break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)
    assert load(limited, "small")[0] == 200
    assert who(limited, "small") != 0
    assert load(limited, "secret")[0] == 200  # root's alone: who else could serve it
    assert who(limited, "secret") == 0
    assert ask(limited, "DELETE", "/models/secret")[0] == 200
    statuses = [load(limited, "big", f"big-{number}")[0] for number in range(8)]
    fitted = statuses.count(200)
    assert 2 <= fitted <= 5 and statuses == [200] * fitted + [507] * (8 - fitted)
    assert ask(limited, "DELETE", "/models/big-0")[0] == 200
    assert load(limited, "big", "again")[0] == 200
    assert load(limited, "big", "one-more")[0] == 507
    status, answer = ask(limited, "POST", "/models/small/invoke", 21)
    assert (status, json.loads(answer)["answer"]) == (200, 42)


def who(address: str, name: str) -> int:
    """The user of a model's process."""
    url, headers = f"http://{address}/models/{name}/invoke", {"Content-Type": "text/csv"}
    with urllib.request.urlopen(urllib.request.Request(url, b"who", headers), timeout=30) as answer:
        return int(answer.read())


def load(address: str, model: str, name: str = "") -> tuple[int, bytes]:
    body = {"model_name": name or model, "url": f"/opt/ml/models/{model}/model"}
    return ask(address, "POST", "/models", body)
