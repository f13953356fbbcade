"""The whole walk-through of examples/simple_sagemaker in the sandbox, as a reader would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.small_image import docker, small_image  # noqa: F401

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "simple_sagemaker"
BASE = "byoa-test-example-base:latest"
Environ = dict[str, str]


@pytest.fixture(scope="module")
def base(small_image: str) -> Iterator[str]:  # noqa: F811
    """Stands for AWS's framework image: `train`, and a pip that may install."""
    made = subprocess.run(
        ["docker", "build", "--quiet", "--tag", BASE, "-"],
        input=f"FROM {small_image}\nENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore\n",
        text=True, capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    yield BASE
    docker("rmi", "--force", BASE, "simple-words:latest")


def command(environ: Environ, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, env=environ, cwd=environ["BYOA_HOME"], text=True, capture_output=True, timeout=280
    )


@pytest.fixture(scope="module")
def environ(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environ]:
    home = tmp_path_factory.mktemp("home")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    found = {**os.environ, "BYOA_HOME": str(home), "BYOA_FRAMEWORK_IMAGE": base, "PATH": path}
    up = command(found, "byoa", "sandbox", "up")
    assert up.returncode == 0, up.stderr
    yield found
    registry = client(found, "ecr").meta.endpoint_url.removeprefix("http://")
    assert command(found, "byoa", "sandbox", "down").returncode == 0
    docker("rmi", "--force", f"{registry}/simple-words:latest")


def client(environ: Environ, service: str) -> Any:
    """boto3's client, by the lines of `byoa sandbox env`."""
    import boto3

    said = command(environ, "byoa", "sandbox", "env").stdout
    lines = [line.removeprefix("export ") for line in said.splitlines() if "=" in line]
    words = dict(line.split("=", 1) for line in lines)
    session = boto3.Session(
        words["AWS_ACCESS_KEY_ID"], words["AWS_SECRET_ACCESS_KEY"], region_name=words["AWS_REGION"]
    )
    return session.client(service, endpoint_url=words["AWS_ENDPOINT_URL"])


@pytest.fixture(scope="module")
def out(environ: Environ, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What run.sh leaves; the public bucket is one of the sandbox's."""
    s3 = client(environ, "s3")
    s3.create_bucket(Bucket="awsglue-datasets")
    key = "examples/us-legislators/all/persons.json"
    s3.put_object(Bucket="awsglue-datasets", Key=key, Body=json.dumps([{"name": "A"}]).encode())
    folder = tmp_path_factory.mktemp("out")
    script = {**environ, "ON": "sandbox", "OUT": str(folder)}
    done = command(script, str(EXAMPLE / "run.sh"))
    assert done.returncode == 0, done.stderr[-6000:]
    return folder


def tree(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def status(environ: Environ, task: str) -> Any:
    words = ("byoa", "status", "-p", "simple", "-t", task, "--on", "sandbox", "--json")
    return json.loads(command(environ, *words).stdout)


def test_what_it_leaves_is_what_the_readme_says(out: Path):
    assert tree(out) == [
        "full/totals/logs/logs0", "full/totals/logs/logs1",
        "full/totals/output/total_0", "full/totals/output/total_1",
        "full/words/logs/logs0", "full/words/logs/logs1",
        "full/words/model/counts_0.json", "full/words/model/counts_1.json",
        "full/words/output/files_0", "full/words/output/files_1",
        "full/words/state/algo-1/runs", "full/words/state/algo-2/runs",
        "script/logs/logs0", "script/logs/logs1", "shell/logs/logs0",
    ]  # fmt: skip


def test_each_host_had_its_share_of_the_files_and_all_of_the_public_object(out: Path):
    files = [(out / f"full/words/output/files_{host}").read_text() for host in (0, 1)]
    assert sorted(files) == ["first.txt", "second.txt"]
    for host in (0, 1):
        log = (out / f"full/words/logs/logs{host}").read_text()
        assert "hello, both of you" in log
        assert "persons.json: 15 Bytes" in log
        assert "'--task_type', '1'" in log


def test_the_second_task_had_the_first_ones_model_and_a_share_of_its_state(out: Path):
    assert (out / "full/totals/output/total_0").read_text() == "6"
    shares = [(out / f"full/totals/logs/logs{host}").read_text() for host in (0, 1)]
    assert sum(log.count("['runs']") for log in shares) == 2


def test_metric_tags_spot_and_the_built_image_are_in_the_jobs(out: Path, environ: Environ):
    assert status(environ, "totals")["metrics"] == {"Score": 6.0}
    sagemaker = client(environ, "sagemaker")
    words, totals = (
        sagemaker.describe_training_job(TrainingJobName=status(environ, task)["job"])
        for task in ("words", "totals")
    )
    assert words["EnableManagedSpotTraining"] is False
    assert totals["EnableManagedSpotTraining"] is True
    assert "/simple-words@sha256:" in words["AlgorithmSpecification"]["TrainingImage"]
    tags = sagemaker.list_tags(ResourceArn=totals["TrainingJobArn"])["Tags"]
    assert {"Key": "team", "Value": "examples"} in tags


def test_a_second_run_of_the_script_starts_no_job(out: Path, environ: Environ):
    script = {**environ, "ON": "sandbox", "OUT": str(out)}
    before = status(environ, "two")["job"]
    done = command(script, str(EXAMPLE / "run.sh"), "script")
    assert done.returncode == 0
    assert "is complete" in done.stderr
    assert status(environ, "two")["job"] == before
