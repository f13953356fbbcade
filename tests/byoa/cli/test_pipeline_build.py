"""`byoa pipeline build`, `task`, `logs`, `clean`, `interact` as commands."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from byoa.cli.main import main
from byoa.cli.pipeline_interact import namespace

PIPELINE = """
tasks:
  - source: steps.get
    product: out/get.txt
  - source: steps.fit
    name: fit-[[n]]
    product: out/fit-[[n]].json
    grid: {n: [1, 2, 3]}
"""
STEPS = """
import json
from pathlib import Path

def get(product):
    Path(product).write_text("data")

def fit(product, upstream, n):
    # how good it is
    print(f"fitting {n} on {Path(upstream['get']).read_text()}")
    Path(product).write_text(json.dumps({"score": 1 / n}))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "steps.py").write_text(STEPS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pipeline(*words: str) -> int:
    return main(["pipeline", *words])


def test_build_then_nothing_to_do(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert pipeline("build") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert re.search(r"fit-2 .*yes", said.err)
    assert pipeline("build") == 0
    assert capsys.readouterr().err == "4 up to date.\n"


def test_a_failure_is_told_with_its_last_words(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "steps.py").write_text(STEPS.replace("1 / n", "1 / (n - 2)"))
    assert pipeline("build", "--quiet") == 1
    said = capsys.readouterr().err
    assert said.startswith("✗ fit-2 failed: ZeroDivisionError: division by zero\n")
    assert "  │ fitting 2 on data\n  │ Traceback (most recent call last):\n" in said
    log = re.search(r"  └ (\S+/logs/fit-2.log)\n", said)
    assert log and (folder / log[1]).is_file()
    assert said.endswith("3 done, 1 failed.\n")


def test_the_result_as_json(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert pipeline("build", "-q", "--json", "--until", "fit-1", "-j", "1") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["outcome"] == "done" and set(said["tasks"]) == {"get", "fit-1"}
    assert said["tasks"]["fit-1"]["metrics"] == {"score": 1.0}


@pytest.mark.parametrize(
    ("words", "ran"),
    [
        (["--force"], {"get", "fit-1", "fit-2", "fit-3"}),
        (["-f", "fit-1", "get"], {"fit-1", "get"}),
        (["--force", "fit-[23]"], {"fit-2", "fit-3"}),
        (["--force", "fit-1,fit-3", "--only", "fit-*"], {"fit-1", "fit-3"}),
        (["--partially", "fit-2", "-su", "--force"], {"fit-2"}),
    ],
)
def test_force_and_selections(
    folder: Path, words: list[str], ran: set[str], capsys: pytest.CaptureFixture[str]
):
    pipeline("build", "-q")
    capsys.readouterr()
    assert pipeline("build", "-q", "--json", *words) == 0
    tasks = json.loads(capsys.readouterr().out)["tasks"]
    assert {name for name, one in tasks.items() if one["outcome"] == "done"} == ran


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["build", "--only", "fti-1"], "No task is called fti-1. Did you mean fit-1"),
        (["build", "-j", "0"], "Argument --jobs/-j: 0 is not 1 or more."),
        (["task", "gett"], "No task is called gett. Did you mean get"),
        (["task", "fit"], "No task is called fit. It is a grid: fit-1, fit-2"),
        (["logs", "get"], "get has printed nothing in any run that is kept."),
        (["logs", "get", "--run", "x"], "There is no run x. See "),
    ],
)
def test_what_is_not_there(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert pipeline(*words) in (1, 2)
    assert said in capsys.readouterr().err


def test_one_task(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert pipeline("task", "fit-1") == 1
    assert "fit-1 needs get, and nothing is there" in capsys.readouterr().err
    assert pipeline("task", "get", "-q") == 0
    assert pipeline("task", "fit-1", "-q") == 0
    assert pipeline("task", "fit-1", "--source", "--status") == 0
    said = capsys.readouterr().out
    assert said.startswith("def fit(product, upstream, n):\n    # how good it is\n")
    assert said.endswith("fit-1: it is up to date\n")
    assert pipeline("task", "fit-2", "--status") == 0
    assert capsys.readouterr().out.startswith("fit-2: it would run: new")
    assert pipeline("task", "fit-1", "--build", "-q", "--json", "--force") == 0
    assert json.loads(capsys.readouterr().out)["tasks"]["fit-1"]["outcome"] == "done"


def test_logs(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]):
    pipeline("build", "-q")
    assert pipeline("logs", "fit-2") == 0
    assert capfdbinary.readouterr().out == b"fitting 2 on data\n"
    assert pipeline("logs", "fit-2", "--path") == 0
    log = Path(capfdbinary.readouterr().out.decode().strip())
    assert log.read_text() == "fitting 2 on data\n"
    run = log.parent.parent.name
    assert pipeline("logs", "fit-2", "--follow", "--run", run) == 0
    assert capfdbinary.readouterr().out == b"fitting 2 on data\n"


def test_clean(folder: Path, capsys: pytest.CaptureFixture[str]):
    pipeline("build", "-q")
    (folder / "out/fit-2.json").write_text("mine now")
    (folder / ".byoa/pipeline/pipeline/work/get").mkdir(parents=True)
    capsys.readouterr()
    assert pipeline("clean", "--dry-run", "--products", "fit-[23]") == 0
    said = capsys.readouterr().out
    assert "out/fit-3.json  (product of fit-3)" in said
    assert ".byoa/pipeline/pipeline/work  (left by a build that was killed)" in said
    assert "out/fit-2.json was changed since fit-2 made it: it stays." in said
    assert said.endswith("4 would be removed.\n") and (folder / "out/fit-3.json").exists()
    assert pipeline("clean", "--products", "fit-[23]") == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        *("fit-1.json", "fit-2.json", "get.txt"),
    ]
    capsys.readouterr()
    pipeline("build", "-q", "--json")
    tasks = json.loads(capsys.readouterr().out)["tasks"]
    assert {name for name, one in tasks.items() if one["outcome"] == "done"} == {"fit-2", "fit-3"}


def test_clean_takes_old_runs_and_what_vanished(folder: Path, capsys: pytest.CaptureFixture[str]):
    for _ in range(3):
        pipeline("build", "-q", "--force")
    (folder / "pipeline.yaml").write_text(PIPELINE.replace("[1, 2, 3]", "[1, 2]"))
    assert pipeline("clean") == 0
    assert "fit-3 is no task any more: --vanished removes" in capsys.readouterr().out
    assert (folder / "out/fit-3.json").exists()
    assert len(list(folder.glob(".byoa/pipeline/pipeline/runs/*"))) == 1
    assert pipeline("clean", "--vanished") == 0
    assert not (folder / "out/fit-3.json").exists()
    capsys.readouterr()
    assert pipeline("clean") == 0
    assert capsys.readouterr().out == "There is nothing to remove.\n"


def test_interact_has_the_tasks_and_their_verbs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from byoa.cli.pipeline_entry import loaded

    arguments = type("Words", (), {"entry_point": None, "env": {}})()
    monkeypatch.setattr(sys, "path", [*sys.path])
    dag = namespace(loaded(arguments))["dag"]
    assert {one.action for one in dag.plan().values()} == {"run", "perhaps"} - {"perhaps"}
    result = dag.build("fit-1")
    assert result.exit_code == 0 and repr(result).endswith(": 2 done)")
    dag.status()
    assert ["fit-2", "run", "new"] in map(str.split, capsys.readouterr().out.splitlines())
    assert dag["fit-1"].params["n"] == 1 and dag["fit-1"].product.name == "fit-1.json"
    assert dag["fit-1"].upstream["get"].product.read_text() == "data"
    assert list(dag) == ["get", "fit-1", "fit-2", "fit-3"] and "def get" in dag["get"].source


def test_interact_is_a_prompt(folder: Path):
    done = subprocess.run(
        [sys.executable, "-m", "byoa.cli", "pipeline", "interact"],
        input="print('tasks:', len(dag))\nexit()\n",
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "IPYTHONDIR": str(folder)},
    )
    assert "tasks: 4" in done.stdout, done.stderr


def test_debug_opens_a_debugger_where_it_failed(folder: Path):
    (folder / "steps.py").write_text(STEPS.replace("1 / n", "1 / (n - 2)"))
    leader, follower = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "byoa.cli", "pipeline", "build", "--debug"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "dumb"},
    )
    os.close(follower)
    os.write(leader, b"print('n is', n)\nq\n")
    said = io.BytesIO()
    try:
        while data := os.read(leader, 1 << 16):
            said.write(data)
    except OSError:  # the other side is closed
        pass
    os.close(leader)
    text = said.getvalue().decode()
    assert started.wait(60) == 1, text
    assert "ZeroDivisionError" in text and "n is 2" in text
    assert textwrap.dedent(text).count("q ends it") == 1
