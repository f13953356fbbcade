"""`docker run IMAGE serve` where SageMaker allows little: no network, no writing, no root."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.docker.conftest import ping, post

pytestmark = pytest.mark.docker

HARDENED = (
    *("--read-only", "--tmpfs", "/tmp", "--user", "1000", "--network", "none"),
    *("--shm-size", "64m", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)


def wait_for_ping(docker, container: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not (said := ping(docker, container)).startswith("200"):
        assert time.monotonic() < end, f"{said}\n{docker('logs', container)}"
        running = docker("inspect", "--format", "{{.State.Running}}", container)
        assert running == "true", docker("logs", container)
        time.sleep(0.3)


def mounts(trained: Path) -> tuple[str, ...]:
    return (
        *("--volume", f"{trained}/model:/opt/ml/model:ro"),
        *("--volume", f"{trained}/input/data/validation/images:/pictures:ro"),
    )


@pytest.mark.parametrize("init", [True, False], ids=["under tini", "as PID 1"])
def test_serves_hardened_and_stops_in_order(docker, image, trained, init):
    container = docker.start(
        *(["--init"] if init else []), *HARDENED, *mounts(trained), image, "serve"
    )
    wait_for_ping(docker, container)
    answer = post(docker, container, "/pictures/00001.jpg")
    assert set(answer) == {"predictions"}
    assert (answer["predictions"][0]["width"], answer["predictions"][0]["height"]) == (96, 64)
    begin = time.monotonic()
    docker("stop", "--time", "30", container)
    assert time.monotonic() - begin < 26
    assert docker.exit_code(container) == 0, docker("logs", container)


def test_root_is_dropped(docker, image, trained):
    """Started as root, as SageMaker does, what touches a client's bytes is not root."""
    container = docker.start(*mounts(trained), image, "serve")
    wait_for_ping(docker, container)
    listing = docker("top", container, "-eo", "user,pid,args")
    workers = [line for line in listing.splitlines() if "nginx: worker" in line]
    assert workers and not any(line.startswith("root") for line in workers), listing
    owners = {line.split()[0] for line in listing.splitlines()[1:]}
    assert owners - {"root"}, listing


def test_writes_nowhere_but_tmp(docker, image, trained):
    container = docker.start(*mounts(trained), image, "serve")
    wait_for_ping(docker, container)
    post(docker, container, "/pictures/00001.jpg")
    changed = docker("diff", container).splitlines()
    # /opt/ml and /pictures are the mounts' own folders.
    allowed = ("/tmp", "/opt", "/pictures", "/run", "/var")
    assert [line for line in changed if not line.split(" ", 1)[1].startswith(allowed)] == []


def test_binds_to_the_port_it_is_given(docker, image, trained):
    container = docker.start(
        *("--env", "SAGEMAKER_BIND_TO_PORT=9191", "--publish", "127.0.0.1::9191"),
        *mounts(trained),
        image,
        "serve",
    )
    from ask import Endpoint

    address = docker("port", container, "9191/tcp").splitlines()[0]
    endpoint = Endpoint(f"http://{address}")
    endpoint.wait(120)
    picture = trained / "input/data/validation/images/00001.jpg"
    assert "detections" in endpoint.predict(picture)
    assert endpoint.invoke(picture.read_bytes(), accept="image/png")[:4] == b"\x89PNG"


def test_a_model_that_cannot_load_ends_the_container(docker, image, tmp_path):
    (tmp_path / "model").mkdir()
    mount = f"{tmp_path}/model:/opt/ml/model:ro"
    code, log = docker.run("--volume", mount, image, "serve", timeout=120)
    assert code != 0
    assert "model.json" in log
