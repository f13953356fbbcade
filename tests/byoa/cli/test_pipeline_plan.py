"""`byoa pipeline plan` and `mark-done`: what is printed, as text and as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from byoa.cli.main import main
from byoa.pipeline.load import load
from tests.byoa.pipeline.small_build import build

PIPELINE = """\
tasks:
  - source: tasks.get
    product: out/get.txt
    params: {n: 1, password: first}
  - source: tasks.fit
    name: fit-[[depth]]
    product: out/fit-[[depth]].txt
    grid: {depth: [1, 2]}
"""
TASKS = """\
from pathlib import Path


def get(product, n, password):
    Path(product).write_text(str(n > 0))


def fit(product, upstream, depth):
    Path(product).write_text(Path(upstream["get"]).read_text() + str(depth))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "tasks.py").write_text(TASKS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: Any, *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["pipeline", *words]) == code
    return str(capsys.readouterr().out)


def edit(root: Path, old: str, new: str, name: str = "pipeline.yaml") -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def test_before_and_after_a_build(project, capsys):
    lines = said(capsys, "plan").splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["get", "run", "new"],
        ["fit-1", "run", "new"],
        ["fit-2", "run", "new"],
        ["3", "run"],
    ]
    build(load())
    assert said(capsys, "plan") == "3 up to date\n"
    assert "fit-2 up to date" in " ".join(said(capsys, "plan", "--all").split())


def test_it_changes_nothing(project, capsys):
    said(capsys, "plan")
    assert sorted(path.name for path in project.iterdir()) == ["pipeline.yaml", "tasks.py"]


def test_reasons_and_what_depends_on_them(project, capsys):
    build(load())
    edit(project, "n: 1", "n: 5")
    out = said(capsys, "plan")
    assert "parameter n: 1 → 5" in out
    assert "if get writes other bytes" in out
    assert out.endswith("1 run, 2 perhaps\n")


def test_secrets_are_not_shown(project, capsys):
    build(load())
    edit(project, "password: first", "password: hunter2")
    out = said(capsys, "plan", "--json")
    assert "hunter2" not in out and "first" not in out
    assert "parameter password changed" in out
    kept = [path.read_text() for path in project.rglob("*.json")]
    assert kept and not any("first" in text for text in kept)


def test_as_data(project, capsys):
    build(load())
    (project / "out/fit-2.txt").unlink()
    found = {one["task"]: one for one in json.loads(said(capsys, "plan", "--json"))}
    assert {name: one["action"] for name, one in found.items()} == {
        "get": "keep",
        "fit-1": "keep",
        "fit-2": "run",
    }
    assert found["fit-2"]["reasons"] == [
        {"kind": "product", "text": "product out/fit-2.txt is missing"}
    ]
    assert found["fit-2"]["family"] == found["fit-1"]["family"] == "fit"


def test_the_exit_code_for_ci(project, capsys):
    said(capsys, "plan", "--check", code=1)
    build(load())
    said(capsys, "plan", "--check")


def test_selections_and_force(project, capsys):
    build(load())
    assert said(capsys, "plan", "--force", "fit-1").endswith("1 run, 2 up to date\n")
    assert said(capsys, "plan", "--only", "fit").endswith("2 up to date, 1 left out\n")
    assert said(capsys, "plan", "--force").endswith("3 run\n")


def test_a_pattern_that_fits_nothing(project, capsys):
    assert main(["pipeline", "plan", "--until", "fit-3"]) == 2
    assert "No task is called fit-3. Did you mean fit-" in capsys.readouterr().err


def test_a_large_grid_is_one_line(project, capsys):
    edit(project, "[1, 2]", str(list(range(100))))
    out = said(capsys, "plan")
    assert "fit (100 tasks) run new" in " ".join(out.split())
    assert "fit-57" not in out
    assert "fit-57" in said(capsys, "plan", "--all")


def test_mark_done(project, capsys):
    build(load())
    edit(project, "n > 0", "n >= 1", "tasks.py")
    edit(project, "str(depth)", "str(int(depth))", "tasks.py")
    assert said(capsys, "mark-done", "fit-*", "--dry-run").split() == ["fit-1", "fit-2"]
    assert said(capsys, "plan").endswith("3 run\n")
    assert said(capsys, "mark-done", "get", "fit-1").split() == ["get", "fit-1"]
    assert said(capsys, "plan").endswith("1 run, 2 up to date\n")
    record = json.loads((project / ".byoa/pipeline/pipeline/records/get.json").read_text())
    assert record["accepted"] is True


def test_mark_done_does_all_or_nothing(project, capsys):
    build(load())
    edit(project, "n > 0", "n >= 1", "tasks.py")
    edit(project, "str(depth)", "str(int(depth))", "tasks.py")
    (project / "out/fit-2.txt").unlink()
    assert main(["pipeline", "mark-done", "*"]) == 1
    assert "fit-2 cannot be taken as done: " in capsys.readouterr().err
    assert said(capsys, "plan").endswith("3 run\n")
