"""Endpoints and batch transform in containers: the conditions that only docker can give."""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.errors import ServiceError, error_code
from tests.byoa.local.test_endpoints import Load
from tests.docker.conftest import Docker
from tests.serving_home import ServingHome, docker_serving
from tests.small_image import small_image

__all__ = ["docker_serving", "small_image"]
pytestmark = pytest.mark.docker


def containers(serving: ServingHome) -> list[str]:
    label = f"label=byoa.job={serving.root / 'endpoints/model'}"
    words = ["docker", "ps", "--all", "--quiet", "--filter", label]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def inspect(container: str) -> Any:
    said = subprocess.run(["docker", "inspect", container], capture_output=True, check=True).stdout
    return json.loads(said)[0]


def test_a_real_time_container_has_productions_conditions(docker_serving: ServingHome):
    found = docker_serving.serve(factor=3)
    assert found["EndpointStatus"] == "InService", docker_serving.endpoint_log()
    assert docker_serving.ask(7) == {"answer": 21}
    who = docker_serving.ask({"do": "who"})
    assert who["shm_mb"] == 64
    assert who["model"] == ["code", "code/inference.py", "model.json"]
    assert docker_serving.ask({"do": "write", "path": "/opt/ml/model/x"}) == {
        "error": "Read-only file system"
    }
    (container,) = containers(docker_serving)
    ports = inspect(container)["HostConfig"]["PortBindings"]
    assert ports["8080/tcp"][0]["HostIp"] == "127.0.0.1"
    assert inspect(container)["HostConfig"]["Init"] is True
    docker_serving.sagemaker.delete_endpoint(EndpointName="model")
    docker_serving.gone()
    assert containers(docker_serving) == []


def test_an_update_under_load_fails_no_request(docker_serving: ServingHome):
    docker_serving.serve(factor=2)
    docker_serving.model("next", 5)
    docker_serving.config("next")
    with Load(docker_serving, threads=3).on() as load:
        docker_serving.sagemaker.update_endpoint(EndpointName="model", EndpointConfigName="next")
        docker_serving.settled()
    assert load.errors == [] and set(load.answers) <= {2, 5}
    assert docker_serving.ask(1) == {"answer": 5}


def test_serverless_is_an_unprivileged_user_in_a_read_only_image(docker_serving: ServingHome):
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
    found = docker_serving.serve(config={"variant": serverless})
    assert found["EndpointStatus"] == "InService", docker_serving.endpoint_log()
    assert found["ProductionVariants"][0]["CurrentServerlessConfig"]["MaxConcurrency"] == 2
    who = docker_serving.ask({"do": "who"})
    assert (who["uid"], who["shm_mb"]) == (1000, 0)
    assert int(who["memory"]) == 1024 << 20
    for path in ("/x", "/opt/byoa/x", "/root/x"):
        assert docker_serving.ask({"do": "write", "path": path})["error"] in {
            "Read-only file system", "Permission denied",
        }  # fmt: skip
    assert docker_serving.ask({"do": "write", "path": "/tmp/x"}) == {"error": ""}
    with pytest.raises(ServiceError) as caught:
        docker_serving.invoke(b"x" * ((4 << 20) + 1))
    assert error_code(caught.value) == "413"


def test_an_isolated_container_has_no_way_out(docker_serving: ServingHome, docker: Docker):
    words = ("--entrypoint", "python3", docker_serving.image, "-m", "http.server", "9999")
    form = "{{.NetworkSettings.IPAddress}}"
    other = {"host": docker("inspect", "--format", form, docker.start(*words)), "port": 9999}
    open_one = docker_serving.serve("open")
    found = docker_serving.serve(EnableNetworkIsolation=True)
    assert open_one["EndpointStatus"] == found["EndpointStatus"] == "InService"
    assert docker_serving.ask({"do": "reach", **other}, "open") == {"reached": True}
    assert docker_serving.ask({"do": "reach", **other}) == {"reached": False, "error": "timed out"}
    assert docker_serving.ask(21) == {"answer": 42}
    docker_serving.sagemaker.delete_endpoint(EndpointName="model")
    docker_serving.gone()
    label = f"label=byoa.job={docker_serving.root / 'endpoints/model'}"
    words = ("docker", "network", "ls", "--quiet", "--filter", label)
    assert subprocess.run(words, capture_output=True, check=True).stdout == b""


def test_a_container_that_dies_is_started_again(docker_serving: ServingHome):
    docker_serving.serve()
    (first,) = containers(docker_serving)
    subprocess.run(["docker", "kill", first], capture_output=True, check=True)
    end = time.monotonic() + 60
    while True:
        try:
            assert docker_serving.ask(21) == {"answer": 42}
            break
        except ServiceError as error:
            assert time.monotonic() < end, error
            time.sleep(0.2)
    (second,) = containers(docker_serving)
    assert second != first


def test_an_image_that_is_not_there_fails_the_endpoint(docker_serving: ServingHome):
    docker_serving.image = "byoa-nothing:none"
    found = docker_serving.serve()
    assert found["EndpointStatus"] == "Failed"
    assert "byoa-nothing:none" in found["FailureReason"]


def test_batch_transform_writes_an_answer_beside_each_object(docker_serving: ServingHome):
    docker_serving.model(factor=3)
    for number in range(3):
        docker_serving.put(f"in/{number}.json", str(number))
    found = docker_serving.transform()
    assert found["TransformJobStatus"] == "Completed", found
    assert docker_serving.outputs() == {
        f"{number}.json.out": json.dumps({"answer": number * 3}).encode() for number in range(3)
    }


@pytest.fixture
def faces(docker_serving: ServingHome, image: str, trained: Path, tmp_path: Path) -> ServingHome:
    """A home whose model is one that the project's own image has trained."""
    docker_serving.image = image
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        for path in sorted((trained / "model").iterdir()):
            tar.add(path, path.name)
    data = docker_serving.put("faces/model.tar.gz", (tmp_path / "model.tar.gz").read_bytes())
    docker_serving.model(PrimaryContainer={"ModelDataUrl": data})
    return docker_serving


def pictures(trained: Path) -> list[Path]:
    return sorted((trained / "input/data/validation").rglob("*.jpg"))


@pytest.mark.parametrize("memory", [0, 3072])
def test_mask_r_cnn_serves_pictures(faces: ServingHome, trained: Path, memory: int):
    serverless = {"ServerlessConfig": {"MemorySizeInMB": memory, "MaxConcurrency": 1}}
    faces.config(variant=serverless if memory else {})
    faces.sagemaker.create_endpoint(EndpointName="model", EndpointConfigName="model")
    found = faces.settled(seconds=200)
    assert found["EndpointStatus"] == "InService", (found, faces.endpoint_log())
    picture = pictures(trained)[0].read_bytes()
    answer = faces.invoke(picture, ContentType="image/jpeg")
    (prediction,) = json.loads(answer["Body"].read())["predictions"]
    assert {"height", "width", "detections"} <= prediction.keys()
    drawn = faces.invoke(picture, ContentType="image/jpeg", Accept="image/png")
    assert drawn["Body"].read().startswith(b"\x89PNG")
    with pytest.raises(ServiceError, match=r"Received client error \(400\)"):
        faces.invoke(b"no picture", ContentType="image/jpeg")


def test_mask_r_cnn_transforms_a_folder_of_pictures(faces: ServingHome, trained: Path):
    for path in pictures(trained):
        faces.put(f"in/{path.name}", path.read_bytes())
    found = faces.transform(TransformInput={"ContentType": "image/jpeg"}, seconds=200)
    assert found["TransformJobStatus"] == "Completed", found
    made = faces.outputs()
    assert sorted(made) == sorted(f"{path.name}.out" for path in pictures(trained))
    assert all("predictions" in json.loads(answer) for answer in made.values())
