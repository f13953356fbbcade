"""Batch, asynchronous and serverless: each container as its platform starts it, with its limits."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byoa.cli.main import main
from tests.docker.conftest import Docker
from tests.small_image import small_image

__all__ = ["small_image"]
pytestmark = pytest.mark.docker

HERE = Path(__file__).parent
MODEL = HERE / "fixtures" / "modes"
MIB = 1 << 20
BINARY = "application/octet-stream"
#: Seconds of a container with the quick clock that pass in one of ours.
SPEED = 15
SERVERLESS = (
    *("--user", "1000", "--read-only", "--tmpfs", "/tmp", "--ipc", "none"),
    *("--memory", "1024m", "--memory-swap", "1024m"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--env", "BYOA_SERVING_MODE=serverless"),
)


@dataclass
class Answer:
    """What came back, and after how many of our seconds."""

    status: int
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running container and the port that it has here."""

    docker: Docker
    name: str
    port: int

    def ask(
        self, body: bytes = b"", kind: str = BINARY, path: str = "/invocations", timeout: float = 60
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        start = time.monotonic()
        try:
            connection.request("POST" if body else "GET", path, body, {"Content-Type": kind})
            found = connection.getresponse()
            return Answer(found.status, found.read(), time.monotonic() - start)
        finally:
            connection.close()

    def sleep(self, seconds: float) -> Answer:
        return self.ask(json.dumps({"seconds": seconds}).encode(), "application/json")

    def ping(self) -> Answer:
        return self.ask(path="/ping", timeout=5)

    def wait(self, seconds: float = 30) -> Served:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.ping().status == 200:
                    return self
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(self.docker("logs", self.name))


def begin(docker: Docker, image: str, *words: str) -> Served:
    mount = f"{MODEL}:/opt/ml/model:ro"
    port = ("--publish", "127.0.0.1::8080")
    name = docker.start(*port, "--volume", mount, *words, image, "serve")
    return Served(docker, name, int(docker("port", name, "8080").rpartition(":")[2]))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """What gives a container the quick clock."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", f"-DSPEED={SPEED}LL", "-o", str(library)]
    subprocess.run([*command, str(HERE / "clock.c")], check=True)
    return ("--volume", f"{library}:/clock.so:ro", "--env", "LD_PRELOAD=/clock.so")


Modes = dict[str, Served]


@pytest.fixture(scope="module")
def modes(module_docker: Docker, small_image: str, quick: tuple[str, ...]) -> Iterator[Modes]:
    """One container of each kind, started together."""
    two = ("--env", "SAGEMAKER_MODEL_SERVER_WORKERS=2")
    batch, little = ("--env", "SAGEMAKER_BATCH=True"), ("--memory", "512m", "--memory-swap", "512m")
    wanted: dict[str, tuple[str, ...]] = {
        "real-time, quick": quick,
        "batch, quick": (*batch, *quick),
        "async, quick": ("--env", "BYOA_SERVING_MODE=async", *quick),
        "batch": (*batch, *two),
        "async": ("--env", "BYOA_SERVING_MODE=async", *little),
        "serverless": SERVERLESS,
    }
    started = {name: begin(module_docker, small_image, *words) for name, words in wanted.items()}
    yield {name: served.wait() for name, served in started.items()}


def test_a_request_of_90_seconds_is_cut_in_real_time_and_nowhere_else(modes: Modes):
    names = ("real-time, quick", "batch, quick", "async, quick")
    with ThreadPoolExecutor(3) as pool:
        cut, *whole = pool.map(lambda name: modes[name].sleep(90), names)
    assert (cut.status, cut.json["error"]["code"]) == (504, "deadline")
    assert 60 / SPEED <= cut.seconds < 85 / SPEED
    for answer in whole:
        assert (answer.status, answer.json) == (200, {"answer": {"seconds": 90}})
        assert answer.seconds >= 90 / SPEED


@pytest.mark.parametrize(
    ("name", "seconds"), [("batch", 3610), ("async", 3610), ("serverless", 70)]
)
def test_nginx_waits_longer_than_the_queue(modes: Modes, name: str, seconds: int):
    words = ("sh", "-c", "cat /tmp/byoa-serve-*/nginx.conf")
    served = modes[name]
    assert f"proxy_read_timeout {seconds}s;" in served.docker("exec", served.name, *words)


def test_batch_says_what_it_wants_and_takes_it(modes: Modes):
    batch = modes["batch"]
    assert batch.ask(path="/execution-parameters").json == {
        "MaxConcurrentTransforms": 2,
        "BatchStrategy": "SINGLE_RECORD",
        "MaxPayloadInMB": 50,
    }
    body = os.urandom(50 * MIB)
    answer = batch.ask(body)
    assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    refused = batch.ask(bytes(100 * MIB + 1))
    assert (refused.status, refused.json["error"]["code"]) == (413, "too_large")
    assert "100 MiB" in refused.json["error"]["message"]


def test_async_takes_300_mb_into_one_process_alone(modes: Modes):
    """The container has 512 MiB: with a second copy of the body the kernel would end it."""
    asynchronous = modes["async"]
    body = os.urandom(MIB) * 300
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asynchronous.ask, body)
        slowest = 0.0
        while not asked.done():
            slowest = max(slowest, asynchronous.ping().seconds)
    assert asked.result().status == 200, asynchronous.docker("logs", asynchronous.name)
    assert asked.result().json["sha256"] == hashlib.sha256(body).hexdigest()
    assert slowest < 2, "SageMaker gives a /ping two seconds"
    log = asynchronous.docker("logs", asynchronous.name)
    assert "died" not in log and "leak" not in log


def test_async_is_there_while_it_computes(modes: Modes):
    asynchronous = modes["async"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asynchronous.sleep, 1.5)
        answers = []
        while not asked.done():
            answers.append(asynchronous.ping())
    assert {each.status for each in answers} == {200}
    assert max(each.seconds for each in answers) < 2


def test_serverless_needs_no_root_no_disk_and_no_shared_memory(modes: Modes):
    serverless = modes["serverless"]
    found = serverless.ask(b"x").json
    assert (found["uid"], found["shm"], found["writes"]) == (1000, False, ["/tmp/x"])
    listing = serverless.docker("top", serverless.name)
    assert listing.count("container.serving.model_process") == 1
    largest = serverless.ask(bytes(4 * MIB))
    assert largest.status == 200
    refused = serverless.ask(bytes(4 * MIB + 1))
    assert (refused.status, refused.json["error"]["code"]) == (413, "too_large")
    assert "4 MiB" in refused.json["error"]["message"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to type commands in; its endpoints are gone afterwards."""
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "5")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    main(["undeploy", "kind", "--on", "docker"])


def deploy(image: str, *words: str) -> None:
    told = ("-p", "demo", "--model", str(MODEL), "--image", image, "--endpoint", "kind")
    assert main(["deploy", *told, *words, "--on", "docker"]) == 0


def container_of(home: Path) -> Any:
    """What docker says of the one container of the endpoint."""
    label = f"label=byoa.job={home}/home/endpoints/kind"
    listed = ["docker", "ps", "--quiet", "--filter", label]
    name = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.strip()
    said = subprocess.run(["docker", "inspect", name], capture_output=True, check=True).stdout
    return json.loads(said)[0]


def test_deploy_serverless_is_that_container(home: Path, small_image: str):
    deploy(small_image, "--serverless", "1024:2")
    host = (found := container_of(home))["HostConfig"]
    assert "BYOA_SERVING_MODE=serverless" in found["Config"]["Env"]
    assert found["Config"]["User"].partition(":")[0] == "1000"
    assert (host["ReadonlyRootfs"], host["IpcMode"]) == (True, "none")
    assert host["Memory"] == host["MemorySwap"] == 1024 * MIB
    assert list(host["Tmpfs"]) == ["/tmp"] and host["CapDrop"] == ["ALL"]
    Path("number.json").write_text('{"seconds": 0}')
    assert main(["invoke", "kind", "number.json", "-o", "answer", "--on", "docker"]) == 0
    assert json.loads(Path("answer").read_text()) == {"answer": {"seconds": 0}}


def test_deploy_async_answers_and_fails_where_it_says(
    home: Path, small_image: str, capsys: pytest.CaptureFixture[str]
):
    deploy(small_image, "--async", "--async-failures", f"file://{home}/failures")
    assert "BYOA_SERVING_MODE=async" in container_of(home)["Config"]["Env"]
    large = home / "large.bin"
    large.write_bytes(os.urandom(30 * MIB))
    words = ["invoke", "kind", "--async", "--on", "docker", "-o", "answer"]
    assert main([*words, "large.bin"]) == 0
    assert (
        json.loads(Path("answer").read_text())["sha256"]
        == hashlib.sha256(large.read_bytes()).hexdigest()
    )
    Path("bad.json").write_text('{"refuse": "no pictures of cats"}')
    assert main([*words, "bad.json"]) == 1
    assert "no pictures of cats" in capsys.readouterr().err
    (failure,) = [path for path in (home / "failures").rglob("*") if path.is_file()]
    assert "client error (422)" in failure.read_text()
    assert "not_today" in failure.read_text()
