"""What is in the image, what is not, and how it says what it is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def about(module_docker, image) -> Any:
    return json.loads(module_docker("image", "inspect", image))[0]


def inside(docker, image: str, command: str) -> Any:
    code, printed = docker.run("--network", "none", image, "bash", "-c", command)
    assert code == 0, printed
    return printed


def test_is_one_platform_and_starts_train_when_nothing_is_said(about):
    assert (about["Architecture"], about["Os"]) == ("amd64", "linux")
    assert about["Config"]["Cmd"] == ["train"]
    assert not about["Config"]["Entrypoint"]


def test_labels(about):
    labels = about["Config"]["Labels"]
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert "com.amazonaws.sagemaker.capabilities.multi-models" not in labels  # AWS: CPUs only
    assert labels["byoa.cuda.version"] == "12.8"
    assert labels["byoa.cuda.minimum-driver"].startswith("525.")
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.title"] == "byoa mask_r_cnn"


def test_fits_serverless_inference(about):
    assert about["Size"] < 10 * 1024**3


def test_environment_names_no_secret_and_no_host(about):
    names = {entry.partition("=")[0] for entry in about["Config"]["Env"]}
    assert names == {
        "PATH",
        "BYOA_ALGORITHM",
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "LANG",
        "TORCHINDUCTOR_CACHE_DIR",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
    }


def test_history_holds_no_secret(module_docker, image):
    history = module_docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    assert not re.search(r"AKIA|secret|token|password|passwd", history, re.IGNORECASE)


def test_programs_are_on_path(docker, image):
    found = inside(docker, image, "command -v train serve doctor bash python3 pip nginx")
    assert found.splitlines() == [
        "/opt/byoa/container/bin/train",
        "/opt/byoa/container/bin/serve",
        "/opt/byoa/container/bin/doctor",
        "/usr/bin/bash",
        "/opt/venv/bin/python3",
        "/opt/venv/bin/pip",
        "/usr/sbin/nginx",
    ]


def test_has_no_compiler(docker, image):
    inside(docker, image, "! command -v gcc cc g++ clang make ld")


def test_only_container_and_algorithm_were_copied(docker, image):
    assert inside(docker, image, "ls -A /opt /opt/byoa").split() == [
        *["/opt:", "byoa", "ml", "venv"],
        *["/opt/byoa:", "container", "mask_r_cnn", "pretrained"],
    ]


def test_holds_no_git_no_tests_no_caches(docker, image):
    found = inside(
        docker,
        image,
        "find / -xdev \\( -name .git -o -name .env -o -name .aws -o -name id_rsa"
        " -o -path '/root/.cache' -o -path '/opt/byoa/*test*' -o -name '*.whl' \\) -print",
    )
    assert found == ""


def test_everything_can_be_read_by_anyone(docker, image):
    code, printed = docker.run(
        "--user", "1000", image, "bash", "-c", "find /opt ! -readable -print; doctor"
    )
    assert code == 0, printed
    assert "FAIL" not in printed


def test_any_other_command_runs_as_it_is(docker, image):
    code, printed = docker.run(
        image, "python3", "-c", "import sys; print('processing'); sys.exit(3)"
    )
    assert (code, printed) == (3, "processing")


def test_starts_as_the_sdk_starts_it(docker, image):
    """SageMaker's SDK v3 replaces the entrypoint by a shell (contract item 74)."""
    script = "train --describe | head -c 20"
    code, printed = docker.run("--entrypoint", "/bin/bash", image, "-c", script)
    assert code == 0
    assert printed.startswith("{")


def test_environment_is_whole(docker, image):
    assert inside(docker, image, "pip check --disable-pip-version-check").endswith("found.")
