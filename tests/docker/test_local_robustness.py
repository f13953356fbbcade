"""What a supervisor that was killed leaves of docker's, and files that root wrote."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from byoa.local.sweep import LABEL, ROOT_LABEL, sweep_all
from tests.byoa.local.test_other_user import RunAs, as_other_user, open_path
from tests.byoa.local.test_robustness import supervisor
from tests.local_home import Home
from tests.local_home import docker_home as home
from tests.small_image import docker, small_image

__all__ = ["as_other_user", "home", "open_path", "small_image"]

pytestmark = pytest.mark.docker


def containers(home: Home) -> list[str]:
    label = f"label={ROOT_LABEL}={home.root}"
    return docker("ps", "--all", "--quiet", "--filter", label).stdout.split()


def networks(home: Home) -> list[str]:
    label = f"label={ROOT_LABEL}={home.root}"
    return docker("network", "ls", "--quiet", "--filter", label).stdout.split()


def start_and_kill(home: Home) -> None:
    home.start(HyperParameters={"how": "wait"}, ResourceConfig={"InstanceCount": 2})
    home.wait_for_log("waiting")
    assert len(containers(home)) == 2
    assert len(networks(home)) == 1
    os.kill(supervisor(home), signal.SIGKILL)


def test_describe_removes_the_containers_of_a_killed_supervisor(home: Home):
    start_and_kill(home)
    record = home.wait(seconds=60)
    assert record["TrainingJobStatus"] == "Failed"
    assert record["FailureReason"].startswith("InternalServerError: the process that carried")
    assert containers(home) == networks(home) == []


def test_sweep_removes_them_without_a_describe_and_leaves_the_living(home: Home):
    start_and_kill(home)
    home.start("lives", HyperParameters={"how": "wait"})
    home.wait_for_log("waiting", "lives")
    assert len(sweep_all(home.root)) == 3
    assert len(containers(home)) == 1
    assert networks(home) == []
    assert home.describe("lives")["TrainingJobStatus"] == "InProgress"
    home.sagemaker.stop_training_job(TrainingJobName="lives")
    assert home.wait("lives")["TrainingJobStatus"] == "Stopped"
    assert containers(home) == []


def test_containers_say_whose_they_are(home: Home):
    home.start(HyperParameters={"how": "wait"})
    home.wait_for_log("waiting")
    (name,) = containers(home)
    shown = docker("inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', name).stdout
    assert shown.strip() == str(home.root / "jobs/training/job")
    home.sagemaker.stop_training_job(TrainingJobName="job")
    home.wait()


def test_a_container_that_needs_more_memory_than_it_is_given(home: Home, monkeypatch):
    monkeypatch.setenv("BYOA_LOCAL_MEMORY_MB", "128")
    monkeypatch.setenv("BYOA_LOCAL_CPUS", "0.5")
    eat = ["python3", "-c", "b = []\nwhile True: b.append(bytearray(10_000_000))"]
    record = home.train(AlgorithmSpecification={"ContainerEntrypoint": eat})
    reason = "AlgorithmError: The container ran out of memory, exit code: 137"
    assert record["FailureReason"] == reason


def test_what_the_containers_root_wrote_is_the_users(
    small_image: str, as_other_user: RunAs, open_path: Path
):
    """Sent, synced and deleted by a user who is not root, though nobody else might read it."""
    mine = Home(open_path / "home", small_image)
    source = (
        "import os, pathlib\n"
        "for name in ('SM_MODEL_DIR', 'SM_CHECKPOINT_DIR'):\n"
        "    folder = pathlib.Path(os.environ[name], 'secret'); folder.mkdir(mode=0o700)\n"
        "    (folder / 'x').write_text('x'); (folder / 'x').chmod(0o600)\n"
    )
    record = as_other_user(
        mine.request(
            HyperParameters=mine.code(source),
            InputDataConfig=[mine.channel("code", mine.uri("source/"))],
            CheckpointConfig={"S3Uri": mine.uri("state")},
        )
    )
    assert record["TrainingJobStatus"] == "Completed", (record, mine.log())
    assert mine.unpacked() == {"secret/x": b"x"}
    assert (mine.storage / "state/secret/x").read_text() == "x"
    assert not list((open_path / "home/jobs/training/job/hosts").iterdir())


def test_a_docker_command_that_dies_is_not_the_containers_end(home: Home):
    home.start(HyperParameters={"steps": "6", "pause": "0.4"})
    home.wait_for_log("step=1")
    children = Path(f"/proc/{supervisor(home)}/task").glob("*/children")
    (attached,) = {int(pid) for file in children for pid in file.read_text().split()}
    os.kill(attached, signal.SIGKILL)
    record = home.wait()
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert record["TrainingTimeInSeconds"] >= 2
