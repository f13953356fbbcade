"""A task's flow, for real: jobs are plain processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from byoa.place import Place, open_place
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.layout import ProjectPlace
from byoa.record import latest
from byoa.settings import load

from .conftest import Byoa

SCRIPT = """\
import os, sys
from worker_toolkit import worker_lib
import local_module
config = worker_lib.WorkerConfig()
print("argv", sys.argv[1:])
open(os.path.join(config.model_dir, "model_" + str(config.host_rank)), "w").write("m")
open(os.path.join(config.output_data_dir, "output_" + str(config.host_rank)), "w").write("o")
open(os.path.join(config.instance_state, "state"), "a").write("s")
print("Score=10;")
"""


@pytest.fixture
def script(home: Path) -> Path:
    Path("train.py").write_text(SCRIPT)
    Path("local_module.py").write_text("VALUE = 1\n")
    Path("data").mkdir()
    for name in ("a.txt", "b.txt"):
        Path("data", name).write_text(name)
    return Path("train.py")


RUN = ("run", "-p", "demo", "-t", "first", "-e", "train.py", "--on", "process")


def place() -> Place:
    return open_place(load(None, {"on": "process", "project": "demo"}))


def jobs_of(byoa: Byoa) -> list[str]:
    return [row["job"] for row in byoa("list", "-p", "demo", "--on", "process", "--json").json]


def test_a_script_on_two_hosts_with_everything(script: Path, byoa: Byoa):
    done = byoa(
        *RUN, "--ic", 2, "-i", "data", "--task_type", 1, "--lr", "1e5", "--md", "Score",
        "Score=(.*?);", "-o", "out", "--download_model", "--download_output", "--download_state",
        "--json", "--", "--verbose", "a b",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.json
    assert found["metrics"] == {"Score": 10}
    assert (found["action"], found["status"]) == ("new", "Completed")
    assert sorted(path.name for path in Path("out/model").iterdir()) == ["model_0", "model_1"]
    assert len(list(Path("out/state").rglob("state"))) == 2
    assert sorted(path.name for path in Path("out/logs").iterdir()) == ["logs0", "logs1"]
    log = Path("out/logs/logs0").read_text()
    assert "argv ['--verbose', 'a b', '--lr', '1e5', '--task_type', '1']" in log


def test_a_complete_task_is_skipped_and_a_changed_one_says_what_changed(script: Path, byoa: Byoa):
    asked = (*RUN, "-i", "data", "--lr", "1", "--json")
    first = byoa(*asked)
    assert first.json["action"] == "new"
    again = byoa(*asked)
    assert (again.json["action"], again.json["job"]) == ("skip", first.json["job"])
    Path("local_module.py").write_text("VALUE = 2\n")
    assert "local_module.py changed" in byoa(*asked).json["why"]
    Path("data/c.txt").write_text("new")
    assert "data" in byoa(*asked).json["why"]
    changed = byoa(*RUN, "-i", "data", "--lr", "2", "--json").json
    assert "lr: 1 → 2" in changed["why"]
    assert byoa(*RUN, "-i", "data", "--lr", "2", "--fr", "--json").json["why"] == "forced"
    assert len(jobs_of(byoa)) == 5


def test_environment_counts_and_its_value_is_not_kept(script: Path, byoa: Byoa):
    byoa(*RUN, "--env", "TOKEN", "s3cret")
    where = ProjectPlace(place().storage.base, "demo").task("first")
    run = latest(place().storage, where)
    assert run is not None
    assert "s3cret" not in json.dumps(run.fingerprint)
    why = byoa(*RUN, "--env", "TOKEN", "other", "--json").json["why"]
    assert "TOKEN" in why
    assert "other" not in why


def test_a_job_that_fails_tells_why_once_and_exits_1(script: Path, byoa: Byoa):
    script.write_text("print('last words')\nraise ValueError('no such thing')\n")
    done = byoa(*RUN, "-o", "out")
    assert done.code == 1
    assert "last words" in Path("out/logs/logs0").read_text()
    assert "ValueError: no such thing" in done.err
    assert "train.py" in done.err
    assert "byoa_launch.py" not in done.err
    assert done.err.count("last words") == 1
    job = jobs_of(byoa)[0]
    waited = byoa("wait", job, "--on", "process")
    assert waited.code == 1
    assert "last words" in waited.err
    assert f"byoa logs {job}" in waited.err


def test_a_failed_task_runs_again(script: Path, byoa: Byoa):
    script.write_text("raise SystemExit(3)")
    assert byoa(*RUN).code == 1
    assert byoa(*RUN).code == 1
    assert len(jobs_of(byoa)) == 2


def test_what_aws_would_refuse_claims_nothing(script: Path, byoa: Byoa):
    done = byoa(*RUN, "--tag", "aws:mine", "1")
    assert done.code == 2
    assert "aws:mine" in done.err
    assert not any(place().storage.objects(f"{place().storage.base}/demo/first/runs/"))


def test_dry_run_prints_the_request_and_writes_nothing(script: Path, byoa: Byoa, home: Path):
    done = byoa(*RUN, "-i", "data", "--dry-run", "--lr", "3")
    request = done.json["create_training_job"]
    assert request["HyperParameters"]["lr"] == '"3"'
    assert [item["ChannelName"] for item in request["InputDataConfig"]] == ["data", "code"]
    assert not (home / "storage").exists() or not any((home / "storage").rglob("*"))


def test_max_cost_refuses_before_anything_is_claimed(script: Path, byoa: Byoa):
    done = byoa(*RUN, "--max-cost", "0.5", "--max_run_mins", 1440)
    assert done.code == 2
    assert "0.5" in done.err
    assert byoa(*RUN, "--max-cost", "0.5", "--max_run_mins", 60).code == 0


def test_a_shell_command_and_its_files(home: Path, byoa: Byoa):
    Path("beside").mkdir()
    Path("beside/hello.txt").write_text("hello there")
    done = byoa(
        "shell", "-p", "demo", "-t", "sh", "--on", "process", "--dir_files", "beside",
        "--cmd_line", "cat hello.txt && echo rank=$SSM_HOST_RANK",
    )  # fmt: skip
    assert done.code == 0
    assert "hello there" in done.err
    assert "rank=0" in done.err


def test_a_shell_script_is_an_entry_point(home: Path, byoa: Byoa):
    Path("go.sh").write_text('echo "got $1 $2"\n')
    done = byoa("run", "-p", "demo", "-t", "sh", "-e", "go.sh", "--on", "process", "--", "a b", "c")
    assert "got a b c" in done.err


def test_a_source_folder_with_dependencies_beside_it(home: Path, byoa: Byoa):
    for path, text in {
        "code/main.py": "from inner import lib2\nfrom outer import lib1\nprint(lib1.A, lib2.B)",
        "code/inner/lib2.py": "B = 'internal'",
        "elsewhere/outer/lib1.py": "A = 'external'",
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    done = byoa(
        "run", "-p", "demo", "-t", "deps", "-s", "code", "-e", "main.py", "-d", "elsewhere/outer",
        "--on", "process",
    )  # fmt: skip
    assert "external internal" in done.err


def test_the_model_and_state_of_a_task_are_inputs_of_the_next(script: Path, byoa: Byoa):
    assert byoa(*RUN, "--ic", 2).code == 0
    Path("next.py").write_text(
        "import os, sys, tarfile\n"
        "print(sorted(tarfile.open(os.environ['SM_CHANNEL_M'] + '/model.tar.gz').getnames()))\n"
        "print(sorted(os.listdir(os.environ['SM_CHANNEL_SRC'])))\n"
        "print(len([1 for _, _, names in os.walk(os.environ['SM_CHANNEL_S']) for _ in names]))\n"
    )
    done = byoa(
        "run", "-p", "demo", "-t", "second", "-e", "next.py", "--on", "process", "--iit", "m",
        "first", "model", "--iit", "s", "first", "state", "--iit", "src", "first", "source",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "model_0" in done.err
    assert "['sourcedir.tar.gz']" in done.err
    assert "algo-1 | 2" in done.err


@pytest.mark.parametrize("status", ["never run", "Failed"])
def test_an_upstream_task_must_be_complete(script: Path, byoa: Byoa, status: str):
    if status == "Failed":
        byoa("shell", "-p", "demo", "-t", "up", "--cmd_line", "exit 3", "--on", "process")
    done = byoa(*RUN, "--iit", "m", "up", "model")
    assert done.code == 2
    assert f"of the task up, which is {status}" in done.err


def test_a_processing_job_reads_its_inputs_and_finds_its_last_state(home: Path, byoa: Byoa):
    Path("data").mkdir()
    Path("data/a.txt").write_text("abc")
    Path("clean.py").write_text(
        "import os, pathlib, sys\n"
        "data = pathlib.Path(os.environ['SM_CHANNEL_DATA'])\n"
        "out = pathlib.Path(os.environ['SSM_OUTPUT'])\n"
        "(out / 'count').write_text(str(len((data / 'a.txt').read_text())))\n"
        "state = pathlib.Path(os.environ['SSM_STATE'])\n"
        "old = sorted(p.name for p in state.parent.glob('state_prev/*'))\n"
        "print('previous', old, sys.argv[1:])\n"
        "(state / 'kept').write_text('1')\n"
    )
    asked = ("process", "-p", "demo", "-t", "clean", "--code", "clean.py", "-i", "data", "--on",
             "process", "-o", "out", "--download_output")  # fmt: skip
    first = byoa(*asked, "--", "--strict")
    assert first.code == 0, first.err
    assert "previous [] ['--strict']" in first.err
    assert Path("out/output/count").read_text() == "3"
    assert "previous ['kept'] []" in byoa(*asked).err


def test_the_algorithm_of_a_folder_trains_and_its_schema_is_held(home: Path, byoa: Byoa):
    root = Path(__file__).resolve().parents[2]
    asked = ("train", "-p", "demo", "-t", "alg", "--on", "process", "--image")
    done = byoa(*asked, root / "tests" / "small_algorithm", "-h", "factor=3", "--steps", 2)
    assert done.code == 0, done.err
    refused = byoa(*asked, root / "mask_r_cnn", "-h", "num_epoch=3", "-h", "batch_size=zero")
    assert refused.code == 2
    assert "did you mean num_epochs?" in refused.err
    assert "batch_size is 'zero'" in refused.err
    assert "Nothing was sent." in refused.err
    request = byoa(*asked, root / "mask_r_cnn", "--dry-run").json["create_training_job"]
    names = [m["Name"] for m in request["AlgorithmSpecification"]["MetricDefinitions"]]
    assert "validation_segm_map" in names


def test_a_change_in_the_image_runs_again(home: Path, byoa: Byoa):
    Path("alg").mkdir()
    Path("alg/train.py").write_text("print(1)\n")
    asked = ("train", "-p", "demo", "-t", "alg", "--on", "process", "--image", "alg", "--json")
    assert byoa(*asked).json["action"] == "new"
    assert byoa(*asked).json["action"] == "skip"
    Path("alg/train.py").write_text("print(2)\n")
    assert "image" in byoa(*asked).json["why"]


def test_the_verbs_know_processing_jobs(home: Path, byoa: Byoa):
    Path("wait.py").write_text("import time; print('begun', flush=True); time.sleep(60)")
    asked = ("process", "-p", "demo", "-t", "slow", "--code", "wait.py", "--on", "process")
    job = byoa(*asked, "--detach", "--json").json["job"]
    wait_for(lambda: "begun" in byoa("logs", job, "--on", "process").out)
    assert byoa("status", job, "--on", "process", "--json").json["status"] == "InProgress"
    assert byoa("list", "-t", "slow", "--on", "process", "--json").json[0]["kind"] == "processing"
    assert byoa("stop", job, "--on", "process", "--json").json["status"] == "Stopped"
    assert byoa("wait", job, "--on", "process").code == 1


def test_detach_wait_stop_and_logs(home: Path, byoa: Byoa):
    sleeper = ("shell", "-p", "demo", "-t", "long", "--on", "process", "--cmd_line",
               "echo begun; trap 'echo stopping; exit 0' TERM; sleep 60 & wait")  # fmt: skip
    started = byoa(*sleeper, "--detach", "--json")
    assert started.code == 0
    assert started.json["status"] == "InProgress"
    job = started.json["job"]
    joined = byoa(*sleeper, "--detach", "--json")
    assert joined.json["job"] == job
    assert byoa("status", job, "--on", "process", "--json").json["status"] == "InProgress"
    wait_for(lambda: "begun" in byoa("logs", job, "--on", "process").out)
    assert byoa("stop", "-p", "demo", "-t", "long", "--on", "process", "--json").json == {
        "job": job, "status": "Stopped"
    }  # fmt: skip
    assert "stopping" in byoa("logs", job, "--on", "process", "--host", "algo-1").out
    assert byoa("logs", job, "--on", "process", "--host", "algo-9").out == ""
    assert byoa("wait", job, "--on", "process").code == 1


def wait_for(true: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.2)


def test_an_interrupted_spot_job_resumes_from_its_state(home: Path, byoa: Byoa):
    Path("go.sh").write_text(
        "if [ -f $SSM_STATE/begun ]; then echo resumed; exit 0; fi\n"
        "touch $SSM_STATE/begun; echo started; sleep 60 & wait\n"
    )
    done = byoa(
        "run", "-p", "demo", "-t", "spot", "-e", "go.sh", "--on", "process", "--interrupt-after",
        "2", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "resumed" in done.err
    assert done.json["interruptions"] == 1
    assert done.json["billable_seconds"] <= done.json["seconds"]


def test_two_drivers_at_once_start_one_job(script: Path, home: Path, byoa: Byoa):
    script.write_text("import time; time.sleep(1.5); print('once')\n")
    command = [sys.executable, "-m", "byoa.cli", *RUN, "--json"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], said
    assert len({json.loads(out)["job"] for out, _ in said}) == 1
    assert len(jobs_of(byoa)) == 1


def test_a_driver_that_is_killed_finds_its_job_again(script: Path, byoa: Byoa):
    script.write_text("import time; print('begun', flush=True); time.sleep(4); print('done')\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "byoa.cli", *RUN], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert any("begun" in line for line in process.stderr)
    process.kill()
    process.communicate()
    done = byoa(*RUN, "--json")
    assert (done.code, done.json["action"]) == (0, "join")
    assert "done" in done.err
    assert len(jobs_of(byoa)) == 1


def test_ctrl_c_without_a_terminal_detaches_and_the_job_runs_on(script: Path, byoa: Byoa):
    script.write_text("import time; print('begun', flush=True); time.sleep(3); print('done')\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "byoa.cli", *RUN], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "begun" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "runs on" in err
    assert "--on process" in err
    assert byoa("wait", "-p", "demo", "-t", "first", "--on", "process").code == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_not_the_jobs(script: Path, closed: str):
    words = ["bash", "-c", f'exec "$@" {closed}', "-", sys.executable, "-m", "byoa.cli", *RUN]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_on_a_terminal_asks_and_s_stops_the_job(script: Path, byoa: Byoa):
    import pty

    script.write_text("import time; print('begun', flush=True); time.sleep(60)\n")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "byoa.cli", *RUN], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said = read_until(ours, "begun")
    process.send_signal(signal.SIGINT)
    said += read_until(ours, "[D/s]")
    os.write(ours, b"s\n")
    said += read_until(ours, "is Stopped")
    assert process.wait(30) == 1
    os.close(ours)
    assert byoa("status", "-p", "demo", "-t", "first", "--on", "process", "--json").json[
        "status"
    ] == "Stopped"  # fmt: skip


def read_until(terminal: int, text: str) -> str:
    said = ""
    while text not in said:
        said += os.read(terminal, 4096).decode()
    return said


def test_status_to_the_end_is_told_once_where_no_terminal_is(script: Path, byoa: Byoa):
    script.write_text("import time; time.sleep(1.5)\n")
    byoa(*RUN, "--detach")
    done = byoa("status", "-p", "demo", "-t", "first", "--on", "process", "--watch")
    assert (done.code, done.out.count("status:")) == (0, 1)
    assert done.out.rstrip().endswith("Training job completed")
    assert "\x1b" not in done.out + done.err, "nobody clears a file"


def test_status_to_the_end_as_json_is_one_document(script: Path, byoa: Byoa):
    script.write_text("import time; time.sleep(1.5)\n")
    byoa(*RUN, "--detach")
    done = byoa("status", "-p", "demo", "-t", "first", "--on", "process", "--watch", "--json")
    assert done.json["status"] == "Completed"


@pytest.mark.parametrize("verb", [RUN, ("data", "-p", "demo", "-t", "first", "--on", "process")])
def test_a_download_without_a_folder_is_refused(script: Path, byoa: Byoa, verb: tuple[str, ...]):
    done = byoa(*verb, "--download_model")
    assert (done.code, "-o OUT" in done.err) == (2, True)


def test_an_output_that_is_a_file_is_refused_before_anything_runs(script: Path, byoa: Byoa):
    done = byoa(*RUN, "-o", "train.py")
    assert (done.code, "train.py is no folder" in done.err) == (2, True)
    assert jobs_of(byoa) == []


def test_docker_that_does_not_answer_is_a_sentence(
    script: Path, byoa: Byoa, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    done = byoa(*RUN[:-1], "docker", "--image", "mine:1")
    assert (done.code, done.out) == (1, "")
    assert "docker is not on PATH" in done.err


def test_a_home_that_cannot_be_written(script: Path, byoa: Byoa, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BYOA_HOME", "/proc/nothing")
    done = byoa(*RUN)
    assert done.code == 1
    assert "/proc/nothing" in done.err


def test_an_input_that_is_not_there(script: Path, byoa: Byoa):
    assert "which does not exist here" in byoa(*RUN, "-i", "nothing").err
    assert "Give it a folder" in byoa(*RUN, "-i", "").err, "as of an unset $DATA: not all of here"


def test_an_input_that_is_empty_starts_no_job(home: Path, byoa: Byoa):
    Path("empty").mkdir()
    words = ("--cmd_line", "true", "--on", "process")
    empty = byoa("shell", "-p", "demo", "-t", "x", "-i", "empty", *words)
    assert (empty.code, "holds no file" in empty.err) == (2, True)
    assert byoa("shell", "-p", "demo", "-t", "first", *words).code == 0
    none = byoa("shell", "-p", "demo", "-t", "x", "--iit", "in", "first", "model", *words)
    assert (none.code, "first left no model" in none.err) == (2, True)
    assert len(jobs_of(byoa)) == 1


def test_a_clean_state_is_empty_and_data_cleans_it_too(script: Path, byoa: Byoa):
    script.write_text(
        "import os; p = os.environ['SSM_STATE'] + '/n'; n = len(open(p).read()) if"
        " os.path.exists(p) else 0; print('found', n); open(p, 'a').write('x')\n"
    )
    assert "found 0" in byoa(*RUN).err
    assert "found 1" in byoa(*RUN, "--fr").err
    assert byoa(*RUN, "--clean_state", "--tag", "aws:mine", "1").code == 2
    assert "found 2" in byoa(*RUN, "--fr").err, "what was refused has cleaned nothing"
    assert "found 0" in byoa(*RUN, "--clean_state").err
    assert "deleted:  1" in byoa("data", "-p", "demo", "-t", "first", "--cs", "--on", "process").out
    assert "found 0" in byoa(*RUN, "--fr", "--keep_state").err


def test_the_api_raises_what_the_command_prints(home: Path):
    import byoa

    project = byoa.Project("demo", on="process")
    with pytest.raises(UsageError, match="has no instance_typ"):
        project.shell("t", "true", instance_typ="x")
    with pytest.raises(JobFailedError, match="exit code 4"):
        project.shell("t", "exit 4").wait(quiet=True)


def test_the_api_runs_waits_and_downloads(script: Path, home: Path, tmp_path: Path):
    import byoa

    project = byoa.Project("demo", on="process")
    job = project.run(
        "api", script, ["--x"], inputs={"data": "data"}, hyperparameters={"lr": 0.1, "n": [1]},
        metrics=[("Score", "Score=(.*?);")], instance_count=2,
    ).wait(quiet=True)  # fmt: skip
    assert (job.status, job.metrics) == ("Completed", {"Score": 10})
    assert any("'--lr', '0.1'" in line.text for line in job.logs())
    assert job.download(tmp_path / "out")["model"] == 2
    assert project.job("api").name == job.name
    after = project.shell("after", "ls $SM_CHANNEL_M", inputs={"m": ("api", "model")})
    assert after.wait(quiet=True).status == "Completed"


def test_the_api_reads_what_the_command_reads_of_byoa_toml(home: Path):
    import byoa
    from byoa.project import task_of

    Path("byoa.toml").write_text("[project]\ntags = {team = 'a'}\n[hyperparameters]\nlr = 1\n")
    project = byoa.Project("demo", on="process")
    train, process = (task_of(project, "t", {}, {"kind": k}) for k in ("training", "processing"))
    assert (train.tags, train.hyperparameters) == ({"team": "a"}, {"lr": "1"})
    assert (process.tags, process.hyperparameters) == ({"team": "a"}, {})
