"""`byoa pipeline nb` on a small project: what it writes, and that no task runs for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.cli.main import main
from byoa.pipeline.load import load
from byoa.pipeline.state import State

SPEC = """\
tasks:
  - source: scripts/first.py
    product: out/first.html
  - source: scripts/fit.py  # scripts/fit.py of a grid
    name: fit-[[n]]
    product: {nb: "out/fit-[[n]].ipynb", data: "out/fit-[[n]].txt"}
    grid: {n: [1, 2]}
"""
FIRST = '# %% tags=["parameters"]\nupstream = None\nproduct = None\n\n# %%\n1\n'
FIT = """\
# %% [markdown]
# # A title

# %% tags=["parameters"]
upstream = ["first"]
product = None
n = None

# %%
print(n)
"""
LAST = "# %%\nprint(n)\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "pipeline.yaml").write_text(SPEC)
    (tmp_path / "scripts/first.py").write_text(FIRST)
    (tmp_path / "scripts/fit.py").write_text(FIT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(project):
    state = State(load(project / "pipeline.yaml"))
    return {
        name: dict(state.fingerprint(task).source) for name, task in state.pipeline.tasks.items()
    }


def nb(*words, capsys):
    assert main(["pipeline", "nb", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_injected_and_removed_again(project, capsys):
    before = codes(project)
    assert nb("--inject", "fit-2", capsys=capsys) == [
        "scripts/fit.py: has the parameters of fit-2 (one of 2 tasks)"
    ]
    text = (project / "scripts/fit.py").read_text()
    added = text.removeprefix(FIT[: -len(LAST)]).removesuffix(LAST).strip()
    assert added.split("\n") == [
        '# %% tags=["injected-parameters"]',
        "# Parameters",
        "n = 2",
        f'upstream = {{"first": "{project}/out/first.html"}}',
        f'product = {{"nb": "{project}/out/fit-2.ipynb", "data": "{project}/out/fit-2.txt"}}',
    ]
    assert codes(project) == before
    assert nb("-i", "fit-2", capsys=capsys) == [
        "scripts/fit.py: had the parameters of fit-2 (one of 2 tasks)"
    ]
    assert (project / "scripts/fit.py").read_text() == text
    assert nb("--remove", capsys=capsys) == [
        "scripts/first.py: has none",
        "scripts/fit.py: injected cell removed",
    ]
    assert (project / "scripts/fit.py").read_text() == FIT
    assert (project / "scripts/first.py").read_text() == FIRST


def test_another_format_is_written_into_pipeline_yaml_too(project, capsys):
    before = {name: task.params for name, task in load().tasks.items()}
    assert nb("--format", "ipynb", "fit", capsys=capsys) == ["scripts/fit.py: is scripts/fit.ipynb"]
    assert not (project / "scripts/fit.py").exists()
    assert (project / "pipeline.yaml").read_text() == SPEC.replace("fit.py", "fit.ipynb")
    assert {name: task.params for name, task in load().tasks.items()} == before
    assert load().tasks["fit-1"].upstream == {"first": ("first",)}
    nb("--format", "py:percent", "fit", capsys=capsys)
    assert (project / "scripts/fit.py").read_text().endswith(FIT)
    assert (project / "pipeline.yaml").read_text() == SPEC


def test_a_pair_is_kept_in_step(project, capsys):
    before = codes(project)
    nb("--pair", "nbs", "fit", capsys=capsys)
    nb("--inject", "fit-1", capsys=capsys)
    nb("--sync", "fit", capsys=capsys)
    assert "injected-parameters" in (project / "scripts/nbs/fit.ipynb").read_text()
    nb("--remove", capsys=capsys)
    assert codes(project) == before


def test_what_cannot_be_is_told(project, capsys):
    assert main(["pipeline", "nb", "--format", "nonsense:x"]) == 2
    assert main(["pipeline", "nb", "-i", "nothing-*"]) != 0
    (project / "scripts/fit.md").write_text("mine")
    assert main(["pipeline", "nb", "--format", "md", "fit"]) == 2
    assert "fit.md is there already" in capsys.readouterr().err
    assert (project / "scripts/fit.md").read_text() == "mine"


def test_lines_end_as_they_did(project, capsys):
    windows = {
        file: (project / file).read_bytes().replace(b"\n", b"\r\n")
        for file in ("pipeline.yaml", "scripts/fit.py")
    }
    for file, data in windows.items():
        (project / file).write_bytes(data)
    assert main(["pipeline", "nb", "--inject", "fit-2"]) == 0
    injected = (project / "scripts/fit.py").read_bytes()
    assert injected.count(b"\r\n") == injected.count(b"\n") and b"n = 2\r\n" in injected
    assert main(["pipeline", "nb", "--remove"]) == 0
    assert (project / "scripts/fit.py").read_bytes() == windows["scripts/fit.py"]
    assert main(["pipeline", "nb", "--format", "ipynb"]) == 0
    said = (project / "pipeline.yaml").read_bytes()
    assert b"fit.ipynb" in said and said.count(b"\r\n") == said.count(b"\n")
