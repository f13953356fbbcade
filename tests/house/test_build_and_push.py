"""build_and_push.sh, with programs that stand for docker and the AWS CLI first on PATH."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def script(calls: Path) -> Script:
    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": f"{FIXTURES}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(calls),
            **environ,
        }
        return subprocess.run(
            [ROOT / "build_and_push.sh", *arguments],
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_builds_and_pushes(script, calls):
    done = script("--region", "eu-west-1")
    assert done.returncode == 0, done.stderr
    said = calls.read_text()
    assert "--platform linux/amd64 --tag mask-r-cnn:latest" in said
    assert "--provenance=false --sbom=false" in said
    assert "docker login --username AWS --password-stdin registry.example" in said
    assert "docker push registry.example/mask-r-cnn:latest" in said
    assert "create-repository" not in said
    assert "region=eu-west-1" in said
    assert done.stdout.splitlines()[-1] == "pushed registry.example/mask-r-cnn@sha256:0123"
    assert "a-password" not in done.stdout + done.stderr + said


def test_no_push_only_builds(script, calls):
    done = script("--no-push", "--image", "other", "--pretrained", "imagenet")
    assert done.returncode == 0, done.stderr
    said = calls.read_text()
    assert "--tag other:latest" in said
    assert "--build-arg PRETRAINED=imagenet" in said
    assert "aws" not in said and "push" not in said


def test_the_image_that_only_serves(script, calls):
    done = script("--no-push", "--packages", "serve")
    assert done.returncode == 0, done.stderr
    assert "--tag mask-r-cnn:serve" in calls.read_text()
    assert "--build-arg PACKAGES=serve" in calls.read_text()
    assert script("--no-push", "--image", "other", PACKAGES="serve").returncode == 0
    assert "--tag other:serve" in calls.read_text()


def test_settings_come_from_the_environment_too(script, calls):
    """CodeBuild has no arguments to give."""
    done = script("--no-push", IMAGE="from:env", BASE_IMAGE="mirror/debian:12", TORCH_INDEX="cpu")
    assert done.returncode == 0, done.stderr
    said = calls.read_text()
    assert "--tag from:env" in said
    assert "BASE_IMAGE=mirror/debian:12" in said
    assert "TORCH_INDEX=cpu" in said


def test_without_buildx_the_classic_builder_is_asked(script, calls):
    done = script("--no-push", NO_BUILDX="1")
    assert done.returncode == 0, done.stderr
    last = calls.read_text()
    assert "docker build --force-rm --platform linux/amd64" in last
    assert "provenance" not in last


LABEL = """--label byoa.hyperparameters={"hyperparameters": ["two  words"]}"""


@pytest.mark.parametrize("buildx", ["0", "1"], ids=["buildx", "classic"])
def test_the_hyperparameters_become_a_label(script, calls, buildx):
    """A second build of one line; its stdin is the Dockerfile."""
    done = script("--no-push", "--context", "0123", NO_BUILDX=buildx)
    assert done.returncode == 0, done.stderr
    said = calls.read_text()
    assert f"--tag mask-r-cnn:latest {LABEL} --label byoa.context=0123 -" in said
    assert "FROM mask-r-cnn:latest" in said.splitlines()
    assert ("--provenance=false" in said) == (buildx == "0")


def test_an_image_that_does_not_describe_itself_is_built_all_the_same(script, calls):
    done = script("--no-push", NO_SCHEMA="1")
    assert done.returncode == 0, done.stderr
    assert "--label" not in calls.read_text()


def test_an_image_that_cannot_be_labelled_is_not_pushed(script, calls):
    assert script(LABEL_CODE="4").returncode == 4
    assert "push" not in calls.read_text()


def test_a_failed_build_is_not_pushed(script, calls):
    done = script(BUILD_CODE="3")
    assert done.returncode == 3
    assert "push" not in calls.read_text()


def test_makes_the_repository_when_it_is_not_there(script, calls):
    assert script(NO_REPOSITORY="1").returncode == 0
    assert "create-repository --repository-name mask-r-cnn" in calls.read_text()


def test_a_manifest_that_sagemaker_refuses_is_told(script):
    done = script(MANIFEST="application/vnd.oci.image.index.v1+json")
    assert done.returncode == 1
    assert "oci.image.index" in done.stderr and "SageMaker refuses" in done.stderr


def test_an_image_over_the_limit_is_told(script):
    done = script("--no-push", IMAGE_SIZE="10737418241")
    assert done.returncode == 1
    assert "over 10 GiB" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--psh"], "unknown option --psh"),
        (["--image"], "--image needs a value"),
        (["--packages", "small"], "--packages small is unknown: say image, serve or harness"),
        (["--packages", "serve", "--pretrained", "coco"], "--pretrained coco needs torchvision"),
        (["--algorithm", "nowhere"], "there is no folder nowhere"),
        (["--algorithm", "tests"], "add the line !tests"),
    ],
)
def test_says_what_is_wrong(script, arguments, said):
    done = script(*arguments)
    assert done.returncode == 1
    assert said in done.stderr


def test_help_names_every_option(script):
    done = script("--help")
    assert done.returncode == 0
    for option in (
        "--no-push",
        "--algorithm",
        "--base",
        "--torch-index",
        "--packages",
        "--pretrained",
        "--context",
        "--region",
    ):
        assert option in done.stdout
