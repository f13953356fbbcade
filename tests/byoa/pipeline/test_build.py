"""`build` with real processes: what runs, what is kept, what a failure stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from byoa.pipeline.build import Options, jobs_of
from byoa.pipeline.lock import BusyError, alone
from byoa.plan.pipeline.model import Dotted, Limits, Pipeline
from byoa.plan.pipeline.selection import Selection
from tests.byoa.pipeline.made import Project, became, error

STEPS = """
    import json, os, sys, time
    from pathlib import Path

    def get(product): product.write_text("1")
    def double(product, upstream): product.write_text(upstream["get"].read_text() * 2)
    def join(product, upstream):
        product.write_text("+".join(one.read_text() for one in upstream["double-*"].values()))
    def bad(product, upstream=None):
        print("before it failed")
        raise ValueError("no such luck")
    def late(product, seconds):
        time.sleep(seconds)
        product.write_text("late")
    def stop(product):
        class DAGBuildEarlyStop(Exception): pass
        raise DAGBuildEarlyStop("enough")
    def constant(product, upstream=None): product.write_text("same")
    def measure(product): product.write_text(json.dumps({"loss": 0.5, "n": 3, "name": "x", "ok": True}))
    def flaky(product, marks, fail):
        with open(marks, "a") as file: file.write("x")
        if len(Path(marks).read_text()) <= fail: raise OSError("not yet")
        product.write_text("done")
"""  # noqa: E501


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, STEPS)


def three(project: Project) -> Project:
    project.task("get")
    project.task("double-1", "double", needs=["get"])
    project.task("double-2", "double", needs=["get"])
    project.task("join", upstream={"double-*": ("double-1", "double-2")})
    return project


def test_all_run_in_order_then_none(project: Project):
    first = three(project).build()
    assert became(first) == dict.fromkeys(["get", "double-1", "double-2", "join"], "done")
    assert project.made("join") == "11+11"
    assert first.exit_code == 0 and first.begun
    again = project.build()
    assert set(became(again).values()) == {"kept"}
    assert not again.begun and len(list(project.home.glob("runs/*"))) == 1, "a no-op leaves no run"


def test_upstream_that_wrote_the_same_bytes_runs_nothing_else(project: Project):
    project.task("get", "constant")
    project.task("below", "double", upstream={"get": ("get",)})
    project.build()
    project.write(STEPS.replace('write_text("same")', 'write_text("sa" + "me")'))
    assert became(project.build()) == {"get": "done", "below": "kept"}


def test_a_failure_stops_only_what_needs_it(project: Project):
    three(project).task("bad")
    project.task("below", "constant", needs=["bad"])
    project.task("further", "constant", needs=["below", "get"])
    result = project.build()
    assert became(result) == {
        **dict.fromkeys(["get", "double-1", "double-2", "join"], "done"),
        **{"bad": "failed", "below": "skipped", "further": "skipped"},
    }
    assert result.exit_code == 1
    assert error(result, "bad") == "ValueError: no such luck"
    assert error(result, "further") == "it needs bad, which failed"
    log = (project.root / result.outcomes["bad"].log).read_text()
    assert log.startswith("before it failed\nTraceback") and "steps.py" in log
    assert "byoa/pipeline" not in log, "the traceback begins at the user's own code"
    assert not (project.root / "out/bad").exists()


def test_fail_fast_begins_nothing_after_a_failure(project: Project):
    project.task("bad")
    for number in range(5):
        project.task(f"c{number}", "constant")
    result = project.build(options=Options(jobs=1, fail_fast=True))
    assert became(result) == {
        "bad": "failed",
        **dict.fromkeys(map("c{}".format, range(5)), "cancelled"),
    }


def test_what_ran_when_another_failed_is_kept_and_the_build_ends(project: Project):
    project.task("bad")
    project.task("late", params={"seconds": 0.5})
    project.task("below", "constant", needs=["late"])
    result = project.build(options=Options(jobs=2, fail_fast=True))
    assert became(result) == {"bad": "failed", "late": "done", "below": "cancelled"}


def test_a_failed_task_keeps_its_old_product_but_is_made_again(project: Project):
    project.task("get")
    project.build()
    project.write(
        STEPS.replace(
            'def get(product): product.write_text("1")',
            """def get(product):
        product.write_text("half")
        raise RuntimeError("in the middle")""",
        )
    )
    assert became(project.build()) == {"get": "failed"}
    assert project.made("get") == "1"
    project.write(STEPS)
    assert became(project.build()) == {"get": "kept"}, "its record still tells the truth"


def test_retries_are_counted_and_told(project: Project):
    marks = str(project.root / "marks")
    limits = Limits(attempts=3, retry_on=("OSError",))
    project.task("flaky", params={"marks": marks, "fail": 1}, limits=limits)
    began = time.monotonic()
    result = project.build()
    assert became(result) == {"flaky": "done"} and result.outcomes["flaky"].attempts == 2
    assert time.monotonic() - began > 1, "there is a pause before the second attempt"
    lines = next(project.home.glob("runs/*/events.jsonl")).read_text().splitlines()
    events = [json.loads(line) for line in lines]
    told = [(one["event"], one.get("attempt"), one.get("outcome")) for one in events]
    assert told == [
        ("run-start", None, None),
        ("task-start", 1, None),
        ("task-end", 1, "failed"),
        ("task-start", 2, None),
        ("task-end", 2, "done"),
        ("run-end", None, "done"),
    ]
    assert events[2]["retry"] is True
    assert "--- attempt 2 ---" in project.log("flaky")
    assert json.loads((project.home / "records/flaky.json").read_text())["attempts"] == 2


@pytest.mark.parametrize("only", ["ValueError", "timeout"])
def test_other_errors_are_not_retried(project: Project, only: str):
    marks = project.root / "marks"
    limits = Limits(attempts=3, retry_on=(only,))
    project.task("flaky", params={"marks": str(marks), "fail": 1}, limits=limits)
    assert became(project.build()) == {"flaky": "failed"}
    assert marks.read_text() == "x"


def test_numbers_in_a_json_product_are_metrics(project: Project):
    project.task("measure", makes="out/measure.json")
    assert project.build().outcomes["measure"].metrics == {"loss": 0.5, "n": 3}
    record = json.loads((project.home / "records/measure.json").read_text())
    assert record["metrics"] == {"loss": 0.5, "n": 3}


def test_early_stop_is_no_failure(project: Project):
    project.task("stop")
    for number in range(5):
        project.task(f"c{number}", "constant", needs=["stop"] if number > 2 else [])
    result = project.build(jobs=1)
    assert result.exit_code == 0 and result.stopped == "early"
    assert set(became(result).values()) <= {"cancelled", "done", "skipped"}
    assert became(result)["stop"] == "cancelled" and became(result)["c4"] == "skipped"


def test_only_runs_one_and_says_what_it_misses(project: Project):
    three(project)
    result = project.build(Selection(only=("double-1",), skip_upstream=True))
    assert became(result) == {"double-1": "failed"}
    assert "needs get, and nothing is there" in error(result, "double-1")
    project.build(Selection(until=("double-1",)))
    assert became(project.build(Selection(only=("double-2",)))) == {"double-2": "done"}
    forced = project.build(Selection(force=("double-1",)))
    assert became(forced)["double-1"] == "done" and became(forced)["get"] == "kept"


def test_events_are_told_as_they_are_written(project: Project):
    class Watcher:
        ticks = 0
        told: list[object] = []  # noqa: RUF012

        def event(self, event: object) -> None:
            self.told.append(event)

        def tick(self) -> None:
            self.ticks += 1

        def say(self, text: str) -> None:
            raise AssertionError(text)

    watcher = Watcher()
    three(project).build(watcher=watcher)
    lines = next(project.home.glob("runs/*/events.jsonl")).read_text().splitlines()
    assert watcher.told == [json.loads(line) for line in lines] and watcher.ticks
    said = json.loads(next(project.home.glob("runs/*/run.json")).read_text())
    assert said["decisions"]["get"]["action"] == "run" and said["jobs"] == 2
    assert (project.root / ".byoa/.gitignore").read_text() == "*\n"
    assert not (project.home / "work").exists()


def test_echo_puts_what_tasks_print_on_stdout(project: Project, capfd: pytest.CaptureFixture[str]):
    project.write('def loud(product):\n    print("one\\ntwo"); product.write_text("")')
    project.task("loud")
    project.build(options=Options(jobs=1, echo=True))
    assert capfd.readouterr().out == "one\ntwo\n"


def test_a_second_build_waits_or_is_refused(project: Project):
    three(project)
    with (
        alone(project.home),
        pytest.raises(BusyError, match="Another build of this pipeline runs here"),
    ):
        project.build(options=Options(wait=False))
    said: list[float] = []

    def sleep(seconds: float) -> None:
        said.append(seconds)
        if len(said) == 3:
            first.__exit__(None, None, None)

    first = alone(project.home)
    first.__enter__()
    with alone(project.home, sleep=sleep):
        assert len(said) == 3


DRIVER = """
import sys
from pathlib import Path
from tests.byoa.pipeline.made import Project, became
project = Project(Path(sys.argv[1]))
project.write(Path(sys.argv[1], "code").read_text())
project.task("quick")
for number in range(3):
    project.task(f"slow-{number}", "slow", needs=["quick"], params={"number": number})
result = project.build(jobs=3)
print(became(result))
sys.exit(result.exit_code)
"""
SLOW = """
import subprocess, time
def quick(product): product.write_text("")
def slow(product, upstream, number):
    child = subprocess.Popen(["sleep", "600"])
    with open(f"pid-{number}", "w") as file: file.write(f"{child.pid}")
    time.sleep(600)
"""


@pytest.fixture
def driver(request: pytest.FixtureRequest, tmp_path: Path):
    """A build in a process of its own, with three tasks and their children at work."""
    (tmp_path / "code").write_text(getattr(request, "param", SLOW))
    (tmp_path / "driver.py").write_text(DRIVER)
    started = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    until(lambda: len(list(tmp_path.glob("pid-*"))) == 3)
    until(lambda: all(path.read_text() for path in tmp_path.glob("pid-*")))
    yield started
    started.kill()
    started.communicate()


def until(true, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def nobody(root: Path) -> bool:
    return not any(alive(int(path.read_text())) for path in root.glob("pid-*"))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_all_and_keeps_what_is_done(driver, tmp_path: Path, number: int, code: int):
    driver.send_signal(number)
    out, _ = driver.communicate(timeout=30)
    assert driver.returncode == code
    assert out.decode().count("cancelled") == 3 and "'quick': 'done'" in out.decode()
    assert nobody(tmp_path)
    events = next((tmp_path / ".byoa/pipeline/pipeline/runs").glob("*/events.jsonl")).read_text()
    assert json.loads(events.splitlines()[-1])["event"] == "run-end"
    assert (tmp_path / ".byoa/pipeline/pipeline/records/quick.json").is_file()


DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLOW}"


@pytest.mark.parametrize("driver", [DEAF], indirect=True)
def test_a_second_ctrl_c_waits_for_nothing(driver, tmp_path: Path):
    driver.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert driver.poll() is None, "the tasks do not hear SIGTERM, and are given time"
    began = time.monotonic()
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=30)
    assert driver.returncode == 130 and time.monotonic() - began < 4
    until(lambda: nobody(tmp_path))


def test_a_killed_driver_takes_its_tasks_along(driver, tmp_path: Path):
    driver.kill()
    driver.wait()
    until(lambda: nobody(tmp_path))
    with alone(tmp_path / ".byoa/pipeline/pipeline", wait=False):
        pass


def test_the_next_build_goes_on_from_a_kill(driver, tmp_path: Path):
    driver.kill()
    driver.wait()
    until(lambda: nobody(tmp_path))
    quick = "def quick(product): product.write_text('')"
    slow = "def slow(product, upstream, number): product.write_text('')"
    project = Project(tmp_path, f"{quick}\n{slow}")
    project.task("quick")
    for number in range(3):
        project.task(f"slow-{number}", "slow", needs=["quick"], params={"number": number})
    result = project.build()
    assert became(result).pop("quick") == "kept"
    assert [*became(result).values()].count("done") == 3
    assert not (project.home / "work").exists()


def test_jobs_are_the_executors(tmp_path: Path):
    def jobs(executor: Dotted, asked: int | None = None) -> int:
        made = Pipeline(name="p", root=str(tmp_path), tasks={}, executor=executor)
        return jobs_of(made, Options(jobs=asked))

    assert jobs(Dotted("serial")) == 1
    assert jobs(Dotted("ploomber.executors.Serial", {"build_in_subprocess": False})) == 1
    assert jobs(Dotted("ploomber.executors.Parallel", {"processes": 7})) == 7
    assert jobs(Dotted("serial"), 3) == 3
    assert jobs(Dotted("parallel")) == len(os.sched_getaffinity(0))
