from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from byoa.cli.init import TEMPLATES
from byoa.settings import load
from tests.byoa.conftest import Byoa

ALL = ["mask-r-cnn", "pipeline", "pytorch", "shell", "sklearn"]


def test_every_template_is_tried_here():
    here = sorted(path.name for path in TEMPLATES.iterdir())
    assert here == sorted([*ALL, "workflows"])  # those: tests/byoa/workflow/test_templates.py


@pytest.mark.parametrize("template", ALL)
def test_a_template_makes_a_project(byoa: Byoa, template: str):
    said = byoa("init", "demo", "--template", template)
    assert said.code == 0, said.err
    assert "demo/README.md" in said.err
    assert load(Path("demo/byoa.toml")).project == "demo"
    for path in Path("demo").rglob("*"):
        assert path.name != "__pycache__"
        if path.is_file() and path.suffix in {".toml", ".md"}:
            assert "__NAME__" not in path.read_text()


def test_the_pytorch_template_learns_goes_on_and_answers(
    byoa: Byoa, monkeypatch: pytest.MonkeyPatch
):
    byoa("init", "demo")
    monkeypatch.chdir("demo")
    words = ("run", "-t", "t", "-e", "train.py", "-s", ".", "--on", "process", "-o", "out")
    assert byoa(*words, "--epochs", 2, "--download_model").code == 0
    again = byoa(*words, "--epochs", 4, "--download_model")
    assert again.code == 0, again.err
    assert "epoch=3" in again.err, "the state of the task is taken up"
    assert "epoch=1 " not in again.err
    code = """
import inference
model = inference.model_fn("out/model")
item = inference.input_fn(b"0.1,0.2,0.3\\n0,0,0\\n", "text/csv")
print(inference.output_fn(inference.predict_fn(item, model), "application/json"))
"""
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "application/json" in answer.stdout


def test_the_pipeline_template_builds(byoa: Byoa, monkeypatch: pytest.MonkeyPatch):
    byoa("init", "demo", "--template", "pipeline")
    monkeypatch.chdir("demo")
    assert byoa("pipeline", "build").code == 0
    assert json.loads(Path("products/best.json").read_text())["task"] in {"fit-2-0.0", "fit-3-0.0"}
    assert "8 up to date" in byoa("pipeline", "plan").out


def test_the_shell_template_runs_here(byoa: Byoa, monkeypatch: pytest.MonkeyPatch):
    byoa("init", "demo", "--template", "shell")
    monkeypatch.chdir("demo")
    said = byoa("run", "-t", "t", "-e", "run.sh", "-i", "README.md", "--on", "process")
    assert said.code == 0, said.err
    assert "runs=1;" in said.err


def test_the_mask_r_cnn_template_has_all_that_its_image_is_built_from(byoa: Byoa):
    byoa("init", "demo", "--template", "mask-r-cnn")
    dockerfile = Path("demo/Dockerfile").read_text()
    for line in dockerfile.splitlines():
        if line.startswith("COPY ") and "--from" not in line and "${" not in line:
            source = line.split()[-2]
            assert (Path("demo") / source).exists(), line
    assert Path("demo/mask_r_cnn/train.py").is_file()
    assert Path("demo/.dockerignore").is_file()


def test_what_is_there_is_not_written_over(byoa: Byoa):
    Path("demo").mkdir()
    Path("demo/mine").write_text("mine")
    said = byoa("init", "demo")
    assert said.code == 2
    assert "not empty" in said.err
    assert [path.name for path in Path("demo").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["a b", "-x", "ä"])
def test_a_name_that_is_none(byoa: Byoa, name: str):
    said = byoa("init", name)
    assert said.code == 2
