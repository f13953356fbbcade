"""The launcher in a folder as a job has it, started as `train` and SageMaker's toolkit start it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from byoa.code import HERE, PLAN
from byoa.record import LAUNCHER

TELL = """\
import json, os, sys
print(json.dumps([sys.argv, {k: v for k, v in os.environ.items() if k.startswith(("SSM", "SM_"))}]))
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    shutil.copy(HERE / LAUNCHER, folder)
    (folder / "tell.py").write_text(TELL)
    return folder


def launch(
    code: Path, plan: dict[str, Any], *words: str, wrapper: tuple[str, ...] = (), **environ: str
) -> subprocess.CompletedProcess[str]:
    (code / PLAN).write_text(json.dumps(plan))
    return subprocess.run(
        [sys.executable, *wrapper, LAUNCHER, *words],
        cwd=code,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_arguments_come_before_hyperparameters_and_stay_as_they_were(code: Path):
    plan = {"program": "tell.py", "arguments": ["--x", "a b", "$HOME;`id`", ""]}
    done = launch(code, plan, "--lr", "1e5")
    argv, _ = json.loads(done.stdout)
    assert argv == ["tell.py", "--x", "a b", "$HOME;`id`", "", "--lr", "1e5"]


def test_the_variables_of_simple_sagemaker(code: Path):
    done = launch(
        code, {"program": "tell.py"}, SM_MODEL_DIR="/opt/ml/model", SM_CURRENT_HOST="algo-2",
        SM_HOSTS='["algo-1", "algo-2"]', SM_OUTPUT_DATA_DIR="/opt/ml/output/data",
        SSM_HOST_RANK="7",
    )  # fmt: skip
    _, found = json.loads(done.stdout)
    assert {name: value for name, value in found.items() if name.startswith("SSM")} == {
        "SSM_STATE": "/opt/ml/checkpoints",
        "SSM_INSTANCE_STATE": "/opt/ml/checkpoints/algo-2",
        "SSM_NUM_NODES": "2",
        "SSM_HOST_RANK": "1",
        "SSM_TENSORBOARD_DIR": "/opt/ml/output/tensorboard",
        "SSM_OUTPUT": "/opt/ml/output/data",
    }


def test_a_processing_job_gets_the_variables_of_a_training_job(code: Path, tmp_path: Path):
    base = tmp_path / "ml"
    (base / "config").mkdir(parents=True)
    (base / "processing/input/data/persons").mkdir(parents=True)
    (base / "config/processingjobconfig.json").write_text('{"ProcessingJobName": "j"}')
    (base / "config/resourceconfig.json").write_text(
        '{"hosts": ["algo-1"], "current_host": "algo-1"}'
    )
    done = launch(code, {"program": "tell.py"}, SAGEMAKER_BASE_DIR=str(base))
    _, found = json.loads(done.stdout)
    assert found["SM_CHANNEL_PERSONS"] == str(base / "processing/input/data/persons")
    assert json.loads(found["SM_CHANNELS"]) == ["persons"]
    assert found["SSM_STATE"] == str(base / "processing/state")
    assert found["SSM_OUTPUT"] == str(base / "processing/output")
    assert (found["SSM_NUM_NODES"], found["SM_CURRENT_HOST"]) == ("1", "algo-1")


@pytest.mark.parametrize("code_", [0, 3, 137])
def test_the_exit_code_is_the_programs_own(code: Path, code_: int):
    assert launch(code, {"shell": f"exit {code_}"}, SM_MODEL_DIR=str(code)).returncode == code_


def test_a_shell_script_runs_without_its_executable_bit(code: Path):
    (code / "go.sh").write_text('echo "$1|$2|$SSM_INSTANCE_STATE"')
    state = code / "state"
    done = launch(
        code, {"program": "go.sh", "arguments": ["a b"]}, "--lr", SSM_STATE=str(state),
        SM_CURRENT_HOST="algo-1",
    )  # fmt: skip
    assert done.stdout.strip() == f"a b|--lr|{state}/algo-1"
    assert (state / "algo-1").is_dir()


def test_a_shell_keeps_only_its_own_copy_of_the_state(code: Path, tmp_path: Path):
    for host in ("algo-1", "algo-2", "shared"):
        (tmp_path / "state" / host).mkdir(parents=True)
    launch(
        code, {"shell": "true"}, SSM_STATE=str(tmp_path / "state"), SM_CURRENT_HOST="algo-1",
        SM_HOSTS='["algo-1", "algo-2"]',
    )  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["algo-1", "shared"]


def test_a_wrapper_stays_in_front_of_the_program(code: Path):
    """`python wrapper.py byoa_launch.py …` becomes `python wrapper.py tell.py …`."""
    (code / "wrapper.py").write_text(
        "import runpy, sys\nprint('wrapped', sys.argv[1])\nsys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    done = launch(code, {"program": "tell.py"}, "--lr", "1", wrapper=("wrapper.py",))
    assert done.stdout.splitlines()[0] == "wrapped byoa_launch.py"
    assert "wrapped tell.py" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1])[0] == ["tell.py", "--lr", "1"]


def test_signals_reach_the_program_itself(code: Path):
    (code / PLAN).write_text('{"program": "wait.py"}')
    (code / "wait.py").write_text(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\ntime.sleep(30)\n"
    )
    process = subprocess.Popen(
        [sys.executable, LAUNCHER], cwd=code, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 7
    assert time.monotonic() - began < 5
    process.stdout.close()


def test_a_program_that_cannot_be_started_is_told(code: Path):
    done = launch(code, {"program": "missing-binary"})
    assert done.returncode == 1
    assert "missing-binary cannot be started" in done.stderr


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.py")), ids=lambda path: path.name)
def test_it_is_python_3_6(path: Path):
    """An image may be old. No walrus, no positional-only names, no future annotations."""
    tree = ast.parse(path.read_bytes(), feature_version=(3, 6))
    assert not any(isinstance(node, ast.NamedExpr) for node in ast.walk(tree))
    assert "from __future__ import annotations" not in path.read_text()
