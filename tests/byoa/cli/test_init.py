from __future__ import annotations

import json
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


def test_the_pipeline_template_builds(byoa: Byoa, monkeypatch: pytest.MonkeyPatch):
    byoa("init", "demo", "--template", "pipeline")
    monkeypatch.chdir("demo")
    assert byoa("pipeline", "build").code == 0
    assert json.loads(Path("products/best.json").read_text())["task"] in {"fit-2-0.0", "fit-3-0.0"}
    assert "8 up to date" in byoa("pipeline", "plan").out


@pytest.mark.parametrize("template", ["pytorch", "sklearn", "shell", "mask-r-cnn"])
def test_a_template_names_an_algorithm_that_is_there(byoa: Byoa, template: str):
    byoa("init", "Demo_1", "--template", template)
    settings = load(Path("Demo_1/byoa.toml"))
    folder = Path("Demo_1", settings.algorithm)
    assert any((folder / name).is_file() for name in ("train.py", "train.sh"))
    assert settings.image == "demo-1:latest"  # docker knows no capitals
    assert not list(Path("Demo_1").rglob("__pycache__"))


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
