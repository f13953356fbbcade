"""What must not break a job, and what is said when something does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from byoa.local import SageMaker
from byoa.local.docker import DockerError, docker
from byoa.local.files import now, write_json
from byoa.local.job import GONE
from byoa.local.resources import Records
from byoa.plan.errors import ByoaError, ServiceError
from tests.local_home import Home


def supervisor(home: Home, name: str = "job", kind: str = "training") -> int:
    """The process number of a job's supervisor."""
    folder = str(home.root / "jobs" / kind / name).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if folder in words and b"byoa.local.supervise" in words:
            return int(process.name)
    raise AssertionError(f"no supervisor of {name}")


def processes_with(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_a_supervisor_that_is_killed_is_told_and_nothing_runs_on(home: Home):
    home.start(HyperParameters={"how": "deaf"}, Environment={"MARK": "left-behind-1"})
    home.wait_for_log("waiting")
    assert processes_with("left-behind-1")
    os.kill(supervisor(home), signal.SIGKILL)
    record = home.wait(seconds=30)
    assert record["TrainingJobStatus"] == record["SecondaryStatus"] == "Failed"
    assert record["FailureReason"] == GONE
    end = time.monotonic() + 30
    while left := processes_with("left-behind-1"):
        assert time.monotonic() < end, left
        time.sleep(0.02)
    assert not (home.root / "jobs/training/job/hosts").exists()
    assert home.describe() == record  # said once, the same ever after
    (listed,) = home.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert listed["TrainingJobStatus"] == "Failed"


def test_a_supervisor_that_is_told_to_end_puts_everything_away(home: Home):
    home.start(HyperParameters={"how": "deaf"}, Environment={"MARK": "left-behind-2"})
    home.wait_for_log("waiting")
    os.kill(supervisor(home), signal.SIGTERM)
    assert home.wait(seconds=30)["FailureReason"] == GONE
    assert processes_with("left-behind-2") == []
    assert not list((home.root / "jobs/training/job/hosts").glob("*"))


def test_the_job_outlives_the_driver(home: Home):
    request = home.request(HyperParameters={"steps": "4", "pause": "0.3"})
    driver = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import json, os, pathlib, signal, sys\n"
            "from byoa.local import SageMaker\n"
            "SageMaker(pathlib.Path(sys.argv[1])).create_training_job(**json.loads(sys.argv[2]))\n"
            "os.killpg(0, signal.SIGHUP); os.kill(os.getpid(), signal.SIGKILL)",
            str(home.root),
            __import__("json").dumps(request),
        ],
        start_new_session=True,
    )
    driver.wait(timeout=30)
    assert driver.returncode < 0
    assert home.wait()["TrainingJobStatus"] == "Completed", home.log()


def test_a_module_of_the_users_folder_is_not_imported(home: Home, monkeypatch, tmp_path: Path):
    (tmp_path / "random.py").write_text("raise SystemExit('mine')")
    (tmp_path / "byoa.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    assert home.train()["TrainingJobStatus"] == "Completed"


def test_of_two_creates_at_once_one_is_told_that_the_name_is_taken(home: Home):
    answers: list[str] = []

    def create() -> None:
        try:
            home.start(HyperParameters={"steps": "1"})
            answers.append("made")
        except ServiceError as error:
            answers.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["ResourceInUse"] * 5 + ["made"]
    home.wait()


def test_no_docker_is_said_before_anything_is_made(home: Home, monkeypatch, tmp_path: Path):
    home.image = "some/image:latest"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match=r"docker is not on PATH\. Install it, or run without"):
        home.start()
    assert home.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_daemon_that_is_down(home: Home, monkeypatch, tmp_path: Path):
    (tmp_path / "docker").write_text(
        "#!/bin/sh\necho 'Cannot connect to the daemon.' >&2; exit 1\n"
    )
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(DockerError, match="Cannot connect"):
        docker("ps")
    home.image = "some/image:latest"
    with pytest.raises(ServiceError, match=r"Cannot connect to the daemon\. Start its daemon, or"):
        home.start()


def test_a_supervisor_that_cannot_start_is_an_error_and_a_failed_job(home: Home):
    wrong = SageMaker(home.root, supervise=(sys.executable, "-c", "raise SystemExit('no such')"))
    with pytest.raises(RuntimeError, match="no such"):
        wrong.create_training_job(**home.request())
    assert home.describe()["TrainingJobStatus"] == "Failed"


def test_an_algorithm_that_is_not_there(home: Home):
    home.image = "process:///no/such/folder"
    record = home.train()
    assert record["TrainingJobStatus"] == "Failed"
    assert "there is no folder /no/such/folder" in record["FailureReason"]


def test_a_full_disk_is_told(home: Home):
    """The bucket is a file system of 1 MB; only root can make one."""
    if os.geteuid():
        pytest.skip("only root can mount")
    (home.storage / "out").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home.storage / "out")]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        record = home.script(
            "import os, pathlib\n"
            "pathlib.Path(os.environ['SM_MODEL_DIR'], 'big').write_bytes(os.urandom(3_000_000))\n"
        )
    finally:
        subprocess.run(["umount", str(home.storage / "out")], check=True)
    assert record["TrainingJobStatus"] == "Failed"
    assert "ClientError: Artifact upload failed: " in record["FailureReason"]
    assert "No space left" in record["FailureReason"]


def test_a_home_on_a_full_disk_does_not_hang(tmp_path: Path, monkeypatch):
    if os.geteuid():
        pytest.skip("only root can mount")
    monkeypatch.setenv("BYOA_LOCAL_STOP_SECONDS", "2")
    (tmp_path / "home").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path / "home")]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    home = Home(tmp_path / "home")
    try:
        record = home.script(
            "import os, pathlib\n"
            "for number in range(3_000): print('x' * 1000)\n"
            "pathlib.Path(os.environ['SM_MODEL_DIR'], 'big').write_bytes(os.urandom(3_000_000))\n"
        )
        assert record["TrainingJobStatus"] == "Failed"
        assert home.describe()["TrainingJobStatus"] == "Failed"
    finally:
        home.close()
        subprocess.run(["umount", str(tmp_path / "home")], check=True)


def test_files_that_nobody_may_write_are_removed_all_the_same(home: Home):
    record = home.script(
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['SM_OUTPUT_DIR'], 'locked'); folder.mkdir()\n"
        "(folder / 'x').write_text('x'); folder.chmod(0o500)\n"
    )
    assert record["TrainingJobStatus"] == "Completed"
    assert not list((home.root / "jobs/training/job/hosts").iterdir())


def test_others_cannot_look_into_what_a_job_is_given_and_says(home: Home):
    home.root.chmod(0o755)  # somebody's own choice
    home.train(Environment={"PASSWORD": "hush"})
    assert "hush" in (home.root / "jobs/training/job/request.json").read_text()
    folders = [home.root / "jobs/training/job", *(home.root / "logs").iterdir()]
    assert [folder.stat().st_mode & 0o077 for folder in folders] == [0, 0]


def test_a_new_home_is_its_owners_alone(tmp_path: Path):
    records = Records(tmp_path / "new" / "home", "models", "model")
    records.claim("CreateModel", "x", "Model")
    assert records.root.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("left", ["", "{", '{"TrainingJob', '{"a": 1}\0\0', "\0" * 40])
def test_a_record_that_a_crash_cut_short_is_told_in_a_sentence(home: Home, left: str):
    folder = home.root / "jobs/training/job"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(left)
    sentence = f"Remove the folder {folder}"
    for ask in (
        home.describe,
        home.sagemaker.list_training_jobs,
        lambda: home.sagemaker.stop_training_job(TrainingJobName="job"),
        lambda: home.sagemaker.delete_training_job(TrainingJobName="job"),
    ):
        with pytest.raises(ByoaError, match=re.escape(sentence)):
            ask()


def test_jobs_that_are_deleted_while_others_look_are_not_there(tmp_path: Path):
    sagemaker = SageMaker(tmp_path)
    names = [f"job-{number}" for number in range(150)]
    for name in names:
        fields = ("TrainingJobName", "TrainingJobArn", "SecondaryStatus")
        record = {
            "TrainingJobStatus": "Completed",
            "CreationTime": now(),
            **dict.fromkeys(fields, name),
        }
        write_json(tmp_path / "jobs/training" / name / "record.json", record)

    def look(number: int) -> None:
        if number % 10 == 0:
            sagemaker.list_training_jobs()
        try:
            sagemaker.describe_training_job(TrainingJobName=names[number])
            sagemaker.delete_training_job(TrainingJobName=names[number])
        except ServiceError as error:
            assert "not found" in str(error)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look, [number for number in range(150) for _ in range(3)]))
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
