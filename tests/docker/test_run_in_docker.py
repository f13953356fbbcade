"""`byoa run`, `train`, `process` with `--on docker`, in an image of a few seconds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.cli.main import main
from tests.small_image import docker, small_image  # noqa: F401

pytestmark = pytest.mark.docker
TAG = "byoa-test-described:latest"
SCHEMA = (
    '{"hyperparameters": [{"name": "factor", "default": 2, "kind": "integer", "minimum": 1,'
    ' "maximum": 9}], "metrics": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}]}'
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def described(small_image: str) -> Iterator[str]:  # noqa: F811
    """The small image with the label that a build gives it."""
    text = f"FROM {small_image}\nLABEL byoa.hyperparameters='{SCHEMA}'\n"
    built = subprocess.run(
        ["docker", "build", "--quiet", "--tag", TAG, "-"], input=text, text=True,
        capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    yield TAG
    docker("rmi", "--force", TAG)


def test_two_hosts_and_an_image_that_is_built_for_them(
    home: Path,
    small_image: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("BYOA_FRAMEWORK_IMAGE", small_image)
    Path("go.sh").write_text("cat /built; getent hosts $(hostname) >/dev/null && echo $SM_HOSTS\n")
    words = ["run", "-p", "demo", "-t", "two", "-e", "go.sh", "--ic", "2", "--on", "docker", "--df"]
    assert main([*words, "RUN echo made-for-it > /built", "--repo_name", "byoa-test-built"]) == 0
    said = capsys.readouterr().err
    docker("rmi", "--force", "byoa-test-built:latest")
    for host in ("algo-1", "algo-2"):
        assert f"{host} | made-for-it" in said
        assert f'{host} | ["algo-1","algo-2"]' in said


def test_the_images_own_hyperparameters_and_metrics_are_used(
    home: Path, described: str, capsys: pytest.CaptureFixture[str]
):
    words = ["train", "-p", "demo", "-t", "alg", "--image", described, "--on", "docker", "--json"]
    assert main([*words, "-h", "factor=99"]) == 2
    assert "factor is '99'" in capsys.readouterr().err
    assert main([*words, "-h", "factor=3"]) == 0
    assert loss(capsys) > 0


def loss(capsys: pytest.CaptureFixture[str]) -> Any:
    import json

    return json.loads(capsys.readouterr().out)["metrics"]["loss"]


def test_a_program_of_the_image_as_a_processing_job(
    home: Path,
    small_image: str,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
):
    words = ["process", "-p", "demo", "-t", "p", "--image", small_image, "--on", "docker"]
    command = ["--entrypoint", "sh", "--", "-c", "echo $SSM_STATE > /opt/ml/processing/output/x"]
    assert main([*words, "-o", "out", "--download_output", *command]) == 0
    assert Path("out/output/x").read_text() == "/opt/ml/processing/state\n"
    capsys.readouterr()
    Path("x.py").write_text("import os; print(sorted(os.listdir('/opt/ml/processing')))")
    assert main([*words, "--code", "x.py"]) == 0
    assert "['input', 'output', 'state']" in capsys.readouterr().err
