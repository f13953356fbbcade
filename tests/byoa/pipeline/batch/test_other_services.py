"""The same pipeline as an execution of a state machine, and as SageMaker's Processing jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline import processing_seen, stepfunctions
from byoa.pipeline.batch import runs
from byoa.plan.pipeline.processing_jobs import job_name
from tests.byoa.pipeline.batch.conftest import Project, tasks_of
from tests.byoa.plan.service_model import accepted

ROOT = Path(__file__).resolve().parents[4]
SERVICES = ("stepfunctions", "sagemaker")
#: The words of submit; the last one's states are SageMaker's jobs.
WAYS = (("stepfunctions",), ("sagemaker",), ("stepfunctions", "--jobs", "sagemaker"))
DONE = dict.fromkeys(("get", "fit-1", "fit-2", "best"), "done")


def flagged(project: Project, flag: Path) -> None:
    """fit-2 fails as long as the flag is there."""
    project.change("tasks.py", "BAD = None", f"BAD = 2 if Path({str(flag)!r}).exists() else None")
    flag.touch()


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if it := found():
            return it
        time.sleep(0.1)
    raise AssertionError("it never came")


@pytest.mark.parametrize("way", WAYS)
def test_what_would_be_sent_is_what_aws_takes(project: Project, way: tuple[str, ...]):
    said = project.run("submit", "--dry-run", "--on", *way)
    requests = json.loads(said.out)
    for one in requests:
        place, _, operation = one["operation"].partition(".")
        if "<" not in json.dumps(one["request"]):
            accepted(place, operation, one["request"])
    last = {
        "stepfunctions": ["CreateRole", "PutRolePolicy", "CreateStateMachine", "StartExecution"],
        "sagemaker": ["CreateRole", "PutRolePolicy", *["CreateProcessingJob"] * 4],
    }[way[0]]
    found = [one["operation"].rpartition(".")[2] for one in requests]
    assert found[-len(last) :] == last
    buckets = project.home.session.client("s3").list_buckets()["Buckets"]
    assert not buckets or not runs.names(project.home)  # nothing was written, nothing begun


@pytest.mark.parametrize("way", [("batch",), *WAYS])
def test_jobs_may_write_where_the_file_client_puts_products(project: Project, way: tuple[str, ...]):
    client = "{dotted_path: ploomber.clients.S3Client, bucket_name: our-data, parent: flowers}"
    project.change("pipeline.yaml", "tasks:\n", f"clients:\n  File: {client}\ntasks:\n")
    said = project.run("submit", "--dry-run", "--on", *way)
    assert said.code == 0, said.err
    policies = [
        json.loads(one["request"]["PolicyDocument"])
        for one in json.loads(said.out)
        if one["operation"] == "iam.PutRolePolicy"
    ]
    writes = [
        one["Resource"]
        for policy in policies
        for one in policy["Statement"]
        if one.get("Sid") == "Write"
    ]
    assert writes and all("arn:aws:s3:::our-data/flowers/*" in one for one in writes)


def slowly(project: Project, folder: Path) -> None:
    """Tasks that wait for a file, and note that they began."""
    project.change(
        "tasks.py",
        'print("fitting", n)',
        f"""print("fitting", n)
    import time
    Path({str(folder)!r}, f"begun-{{n}}-{{time.time_ns()}}").touch()
    while not Path({str(folder)!r}, "go").exists():
        time.sleep(0.05)""",
    )


def until_both(folder: Path) -> None:
    """Until both points of the grid have begun; what the driver said when they do not."""
    try:
        until(lambda: len(list(folder.glob("begun-*"))) == 2)
    except AssertionError:
        raise AssertionError((folder / "driver.log").read_text()) from None


def log_of(project: Project) -> str:
    """What the last driver has said by now."""
    return (project.folder.parent / "driver.log").read_text()


@pytest.mark.parametrize("way", WAYS)
def test_cancel_ends_what_runs_and_what_would_come(
    project: Project, tmp_path: Path, way: tuple[str, ...]
):
    slowly(project, tmp_path)
    driver = driven(project, "submit", *way)
    until_both(tmp_path)
    if way[0] == "sagemaker":  # its driver has to stay, and must not begin anything more
        driver.send_signal(signal.SIGINT)
        assert driver.wait(30) == 130
    cancelled = project.run("cancel", "--json", "--on", way[0])
    assert cancelled.json["cancelled"] == (3 if way[0] == "stepfunctions" else 2)
    driver.wait(30)
    home = project.home
    seen = until(lambda: over(home))
    found = {name: one.status for name, one in seen.tasks.items()}
    assert found["get"] == "done" and found["best"] in {"skipped", "cancelled"}
    assert (found["fit-1"], found["fit-2"]) == ("cancelled", "cancelled")


def over(home: Any) -> Any:
    seen = runs.look(home, runs.find(home))
    return None if seen.active else seen


def driven(project: Project, verb: str, service: str, *more: str) -> subprocess.Popen[str]:
    """A verb in a process of its own: it can be killed."""
    said = ["pipeline", verb, "--on", service, *more, "--sandbox"]
    words = [sys.executable, "-m", "byoa.cli", *said]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(project.folder.parent / "driver.log", "w") as log:
        return subprocess.Popen(
            words, cwd=project.folder, env=environ, text=True, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_driver_is_gone_on_for_and_so_is_what_failed(
    project: Project, tmp_path: Path, service: str
):
    slowly(project, tmp_path)
    flagged(project, tmp_path / "flag")
    driver = driven(project, "submit", service)
    until_both(tmp_path)
    driver.kill()
    driver.wait(30)
    assert tasks_of(project.run("status", "--json", "--on", service))["fit-1"] == "running"
    resumed = driven(project, "resume", service, "--wait")
    until(lambda: "fit-1: begins" in log_of(project))
    (tmp_path / "go").touch()
    assert resumed.wait(60) == 1
    said = project.run("status", "--json", "--on", service)
    assert tasks_of(said) == {**DONE, "fit-2": "failed", "best": "skipped"}
    assert "ValueError: 2 is no good" in log_of(project) and "fitting 2" in log_of(project)
    assert project.run("logs", "fit-1", "--on", service).out.splitlines()[-1] == "fitting 1"
    assert len(list(tmp_path.glob("begun-*"))) == 2  # nothing was done twice
    home = project.home
    run = runs.find(home)
    if service == "sagemaker":
        names = {one["ProcessingJobName"] for one in processing_seen.jobs_of(home, run)}
        assert names == {job_name(run.run, task) for task in run.tasks} - {
            job_name(run.run, "best")
        }
    else:
        assert stepfunctions.execution_of(home, run, 1)["status"] == "FAILED"
        assert not stepfunctions.execution_of(home, run, 2)
    (tmp_path / "flag").unlink()
    mended = project.run("resume", "--wait", "--json", "--on", service)
    assert (mended.code, tasks_of(mended)) == (0, DONE), mended.err
    assert len(list(tmp_path.glob("begun-*"))) == 3
    assert "all 4 tasks are up to date" in project.run("submit", "--on", service).err
    assert project.run("download").code == 0
    text = (project.folder / "output" / "best.txt").read_text()
    assert text == "1: 1 2 3; 2: 1 2 3"
    rows = project.run("cost", "--json", "--on", service).json
    assert [row["task"] for row in rows] == [*run.tasks, "all"]
    assert rows[-1]["seconds"] > rows[0]["seconds"] > 0
    if service == "sagemaker":
        assert rows[0]["machine"] == "ml.t3.medium" and rows[-1]["usd"] > 0
    cleaned = project.run("clean", "--on", service)
    assert cleaned.code == 0, cleaned.err
    machines = home.session.client("stepfunctions").list_state_machines()["stateMachines"]
    assert not [one for one in machines if home.project.name in one["name"]]
    assert not runs.names(home)
