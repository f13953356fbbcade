"""Runs whose driver, machine or user stopped them, and what goes on from there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline.batch import runs
from byoa.pipeline.batch.going_on import in_vain, outstanding
from byoa.pipeline.batch.runs import Seen, TaskSeen
from byoa.pipeline.batch.watch import News
from byoa.plan.pipeline.manifest import Run, RunTask
from tests.byoa.pipeline.batch.conftest import Project, Wait, tasks_of
from tests.byoa.plan.pipeline.test_manifest import RUN

KILLED = Path(__file__).with_name("killed.py")
SLOW = """
import time


def slow(product):
    print("begins", flush=True)
    time.sleep(60)
"""


def killed_at(project: Project, number: int, when: str) -> None:
    """`submit`, killed there."""
    words = [sys.executable, str(KILLED), str(number), when, *["pipeline", "submit", "--sandbox"]]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(words, cwd=project.folder, env=environ, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def jobs_of(project: Project) -> list[str]:
    home = project.home
    run = runs.find(home)
    return sorted(one["jobName"] for one in home.batch.named(run.queue, f"{run.run}-"))


@pytest.mark.parametrize(("number", "when", "there"), [(1, "before", 0), (2, "after", 2)])
def test_a_driver_killed_while_it_submits(
    project: Project, tmp_path: Path, number: int, when: str, there: int
):
    killed_at(project, number, when)
    assert len(jobs_of(project)) == there
    clone = tmp_path / "another machine" / project.folder.name
    shutil.copytree(project.folder, clone, ignore=shutil.ignore_patterns(".byoa"))
    elsewhere = Project(clone, project.byoa)
    seen = elsewhere.run("status", "--json").json
    assert {one["task"] for one in seen["tasks"] if one["status"] == "not submitted"} == (
        {"get", "fit-1", "fit-2", "best"} if there == 0 else {"best"}
    )
    said = elsewhere.run("resume", "--wait", "--json")
    assert said.code == 0, said.err
    assert set(tasks_of(said).values()) == {"done"}
    assert len(jobs_of(project)) == 3  # nothing was submitted twice
    assert "up to date" in elsewhere.run("submit").err


def test_cancelled_runs_go_on_where_they_were(project: Project, until: Wait):
    project.change("tasks.py", "BAD = None", "BAD = None" + SLOW)
    project.change(
        "pipeline.yaml", "tasks:\n", "tasks:\n  - {source: tasks.slow, product: slow.txt}\n"
    )
    assert project.run("submit").code == 0
    until(lambda: tasks_of(project.run("status", "--json"))["slow"] == "running")
    until(lambda: "begins" in project.run("logs", "slow").out)
    refused = project.run("submit", "--mode", "force")
    assert refused.code == 2 and "still goes on" in refused.err
    until(lambda: tasks_of(project.run("status", "--json"))["best"] == "done")
    watched_until_ctrl_c(project)
    said = project.run("cancel", "--json").json
    assert said["cancelled"] == 1
    until(lambda: tasks_of(project.run("status", "--json"))["slow"] == "cancelled")
    assert project.run("cancel", "--json").json["cancelled"] == 0
    resumed = project.run("resume", "--json").json
    assert resumed["tasks"] == ["slow"]
    assert project.run("cancel", "--json").json["cancelled"] == 1


def watched_until_ctrl_c(project: Project) -> None:
    """Whoever looks on may go: the run does not."""
    words = [sys.executable, "-m", "byoa.cli", "pipeline", "status", "--wait", "--sandbox"]
    watching = subprocess.Popen(words, cwd=project.folder, stderr=subprocess.PIPE, text=True)
    assert watching.stderr is not None
    for line in watching.stderr:
        if "slow" in line:
            break
    watching.send_signal(signal.SIGINT)
    said = watching.stderr.read()
    watching.stderr.close()
    assert watching.wait() == 130
    assert "goes on" in said and "byoa pipeline cancel" in said


def test_a_task_that_is_killed_fails_and_says_how(project: Project, until: Wait):
    project.change("tasks.py", "TEXT)\n", "TEXT)\n    import os; os.kill(os.getpid(), 9)\n")
    said = project.submit("--until", "get")
    assert said.code == 1
    assert tasks_of(said) == {"get": "failed"}
    assert "SIGKILL" in said.json["tasks"][0]["reason"]


def test_a_machine_that_is_taken_is_no_failure(project: Project):
    """The sandbox takes the spot machine of the first attempt away, as the tag asks it to."""
    project.change("soopervisor.yaml", "aws:\n", 'aws:\n  tags: {"byoa:interrupt-after": "1"}\n')
    project.change("tasks.py", 'print("getting")', 'import time; print("getting"); time.sleep(3)')
    started = time.monotonic()
    said = project.submit("--until", "get")
    assert said.code == 0, said.err
    (get,) = said.json["tasks"]
    assert (get["status"], get["attempts"], get["interruptions"]) == ("done", 2, 1)
    assert time.monotonic() - started > 3


def test_what_batch_never_begins_says_why(project: Project, until: Wait):
    """The trouble that is met most: a size that no machine of the queue has."""
    more = "aws:\n  machines: {most_vcpus: 1}\n  task_resources: {get: {vcpus: 2}}\n"
    project.change("soopervisor.yaml", "aws:\n", more)
    assert project.run("submit", "--until", "get").code == 0

    def reason() -> str:
        (get,) = project.run("status", "--json").json["tasks"]
        return str(get["reason"]) if get["status"] == "queued" else ""

    until(lambda: "higher than that can be met by the CE" in reason())
    home, news, run = project.home, News(lambda event: None), runs.find(project.home)
    (text,) = news.stuck(runs.look(home, run))
    assert text == reason() and news.stuck(runs.look(home, run)) == []  # it is told once
    assert project.run("cancel", "--json").json["cancelled"] == 1


def test_a_run_that_is_not_there_is_told(project: Project):
    for verb in ("status", "cancel", "resume", "cost"):
        said = project.run(verb)
        assert said.code == 1 and "was never submitted" in said.err
    assert "has no run abc" in project.run("status", "--run", "abc").err


def seen(run: Run, **statuses: str) -> Seen:
    return Seen(run, [], {name: TaskSeen(name, status) for name, status in statuses.items()})


@pytest.mark.parametrize(
    ("statuses", "again"),
    [
        ({"a": "done", "b": "done", "c": "kept"}, []),
        ({"a": "running", "b": "waiting", "c": "waiting"}, []),
        ({"a": "failed", "b": "waiting", "c": "running"}, ["a", "b"]),
        ({"a": "done", "b": "cancelled", "c": "queued"}, ["b"]),
        ({"a": "gone", "b": "not submitted", "c": "skipped"}, ["a", "b", "c"]),
    ],
)
def test_what_must_be_submitted_again(statuses: dict[str, str], again: list[str]):
    tasks: dict[str, Any] = {"a": RunTask(), "b": RunTask(needs=("a",)), "c": RunTask()}
    assert outstanding(seen(replace(RUN, tasks=tasks), **statuses)) == again


@pytest.mark.parametrize(
    ("statuses", "held"),
    [
        ({"fit-1": "failed", "fit-2": "running"}, {"best", "page"}),  # the array fails in the end
        ({"fit-1": "failed", "fit-2": "failed"}, set()),
        ({"fit-1": "failed", "fit-2": "done"}, set()),
        ({"fit-1": "done", "fit-2": "running"}, set()),
    ],
)
def test_nothing_waits_for_an_array_of_which_a_part_has_failed(
    statuses: dict[str, str], held: set[str]
):
    tasks = {
        "fit-1": RunTask(), "fit-2": RunTask(), "best": RunTask(needs=("fit-1", "fit-2")),
        "page": RunTask(needs=("best",)),
    }  # fmt: skip
    jobs = {
        name: TaskSeen(name, status, f"array:{at}", "array")
        for at, (name, status) in enumerate(statuses.items())
    }
    rest = {name: TaskSeen(name, "waiting", name, name) for name in ("best", "page")}
    found = Seen(replace(RUN, tasks=tasks), [], {**jobs, **rest})
    assert in_vain(found, outstanding(found)) == held


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ({"a": "done", "b": "kept"}, "done"),
        ({"a": "done", "b": "running", "c": "failed"}, "running"),
        ({"a": "done", "b": "gone"}, "cut off"),
        ({"a": "gone", "b": "failed"}, "failed"),
        ({"a": "not submitted"}, "cut off"),
        ({"a": "done", "b": "skipped"}, "skipped"),
    ],
)
def test_a_run_in_a_word(statuses: dict[str, str], word: str):
    assert seen(RUN, **statuses).word == word
