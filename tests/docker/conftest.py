"""The image, containers that are always removed, and a small job to run in them."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LABEL = "byoa.test"
#: Enough to learn nothing, but every part of a job runs.
QUICK = {
    "backbone": "resnet18_fpn",
    "pretrained": "none",
    "num_epochs": "1",
    "batch_size": "2",
    "rois_per_image": "16",
    "min_size": "64",
    "max_size": "96",
    "num_workers": "0",
    "warmup_steps": "2",
    "learning_rate": "0.002",
}


@dataclass
class Docker:
    """The docker command; every container and network of a test goes away with it."""

    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)

    def __call__(self, *words: str, check: bool = True, timeout: float = 280) -> str:
        """What a docker command prints on both channels."""
        done = subprocess.run(
            ["docker", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"docker {words}: {done.stdout}"
        return done.stdout.strip()

    def start(self, *words: str) -> str:
        """A container in the background, by name."""
        name = f"byoa-test-{uuid.uuid4().hex[:12]}"
        self.containers.append(name)
        # One thread: two containers that train at once spin on each other's cores otherwise.
        threads = ("--env", "OMP_NUM_THREADS=1")
        self("run", "--detach", "--name", name, "--label", LABEL, *threads, *words)
        return name

    def run(self, *words: str, timeout: float = 280) -> tuple[int, str]:
        """A container in the foreground: its exit code and what it printed."""
        name = self.start(*words)
        code = int(self("wait", name, timeout=timeout))
        return code, self("logs", name)

    def exit_code(self, name: str) -> int:
        return int(self("inspect", "--format", "{{.State.ExitCode}}", name))

    def network(self) -> str:
        name = f"byoa-test-{uuid.uuid4().hex[:12]}"
        self.networks.append(name)
        self("network", "create", "--label", LABEL, name)
        return name

    def clear(self) -> None:
        for name in self.containers:
            self("rm", "--force", "--volumes", name, check=False)
        for name in self.networks:
            self("network", "rm", name, check=False)


@pytest.fixture(scope="session")
def image() -> str:
    """The image to test; a test without a daemon or an image is skipped, and says so."""
    name = os.environ.get("BYOA_TEST_IMAGE", "mask-r-cnn:latest")
    # In CI nothing may be missing: a skipped test would be a part that nobody tried.
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        found = subprocess.run(
            ["docker", "image", "inspect", name], capture_output=True, check=False
        )
    except FileNotFoundError:
        give_up("docker is not on PATH")
    if found.returncode:
        give_up(f"no docker daemon, or no image {name}: run make image first")
    return name


@pytest.fixture
def docker() -> Iterator[Docker]:
    command = Docker()
    yield command
    command.clear()


@pytest.fixture(scope="module")
def module_docker() -> Iterator[Docker]:
    command = Docker()
    yield command
    command.clear()


JobFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def job_folder(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    """Makes a folder for /opt/ml: job_folder(hosts=…, pictures=…, num_epochs="2")."""
    from make_test_dir import write
    from sample_pictures import make_pictures

    def make(
        hosts: tuple[str, ...] = ("algo-1",),
        host: str = "algo-1",
        pictures: int = 8,
        **changed: str,
    ) -> Path:
        root = tmp_path_factory.mktemp("ml")
        make_pictures(root / "input/data/training", pictures, seed=1, size=(96, 64))
        make_pictures(root / "input/data/validation", 2, seed=2, size=(96, 64))
        for name in ("model", "output", "checkpoints", "input/config"):
            (root / name).mkdir()
        config = root / "input" / "config"
        write(config / "hyperparameters.json", {**QUICK, **changed})
        channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
        write(config / "inputdataconfig.json", {"training": channel, "validation": channel})
        resources = {"current_host": host, "hosts": list(hosts), "network_interface_name": "eth0"}
        write(config / "resourceconfig.json", resources)
        return root

    return make


@pytest.fixture(scope="session")
def trained(image: str, job_folder: JobFolder) -> Path:
    """A folder in which `docker run IMAGE train` has trained a model."""
    root = job_folder()
    command = Docker()
    try:
        code, log = command.run("--init", "--volume", f"{root}:/opt/ml", image, "train")
    finally:
        command.clear()
    assert code == 0, log
    (root / "train.log").write_text(log)
    return root


def ping(docker: Docker, container: str) -> str:
    """What /ping says, asked from inside: works with no network at all."""
    script = (
        "import urllib.request, urllib.error\n"
        "try:\n    r = urllib.request.urlopen('http://127.0.0.1:8080/ping', timeout=2)\n"
        "except urllib.error.HTTPError as e:\n    r = e\n"
        "except OSError as e:\n    print(0, e); raise SystemExit\n"
        "print(r.status, r.read().decode())"
    )
    return docker("exec", container, "python3", "-c", script, check=False)


def post(docker: Docker, container: str, path: str, content_type: str = "image/jpeg") -> Any:
    """The JSON answer to a file of the container, posted from inside."""
    script = (
        "import sys, urllib.request\n"
        "r = urllib.request.Request('http://127.0.0.1:8080/invocations',\n"
        "    open(sys.argv[1], 'rb').read(), {'Content-Type': sys.argv[2]})\n"
        "print(urllib.request.urlopen(r, timeout=60).read().decode())"
    )
    return json.loads(docker("exec", container, "python3", "-c", script, path, content_type))


def wait_for(docker: Docker, container: str, words: str, seconds: float = 200) -> None:
    """Returns when a running container has printed the words."""
    end = time.monotonic() + seconds
    while words not in docker("logs", container):
        assert time.monotonic() < end, docker("logs", container)
        running = docker("inspect", "--format", "{{.State.Running}}", container)
        assert running == "true", docker("logs", container)
        time.sleep(0.5)
