from __future__ import annotations

import re
from pathlib import Path

import pytest

from byoa.plan.errors import UsageError
from byoa.settings import load

TOML = """\
[project]
name = "demo"
on = "process"
instance_type = "ml.g5.xlarge"
tags = { team = "vision", cost = 7 }

[hyperparameters]
epochs = 3
lr = 0.1
flip = true
name = "a"
sizes = [1, 2]

[request.training.StoppingCondition]
MaxPendingTimeInSeconds = 7200
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "byoa.toml").write_text(TOML)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    return tmp_path


def test_it_is_found_in_a_folder_above_and_flags_win(folder: Path):
    found = load(None, {"on": "docker"})
    assert (found.project, found.on, found.instance_type) == ("demo", "docker", "ml.g5.xlarge")
    assert found.folder == folder
    assert found.tags == {"team": "vision", "cost": "7"}
    assert found.request["training"]["StoppingCondition"] == {"MaxPendingTimeInSeconds": 7200}


def test_hyperparameters_are_text_as_json_writes_it(folder: Path):
    assert load().hyperparameters == {
        "epochs": "3", "lr": "0.1", "flip": "true", "name": "a", "sizes": "[1, 2]"
    }  # fmt: skip


def test_without_a_file_everything_is_unsaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BYOA_FRAMEWORK_IMAGE", "mine:1")
    found = load()
    assert (found.project, found.on, found.framework_image) == ("", "", "mine:1")
    with pytest.raises(UsageError, match=r"Give -p test-without.*byoa\.toml"):
        found.need_project()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project]\nregon = 'x'", "no key 'regon'. Did you mean 'region'"),
        ("[hyperparameter]\nx = 1", "Did you mean 'hyperparameters'"),
        ("[request.train]\nx = 1", "Did you mean 'training'"),
        ("[project]\nregion = 1", "region = 1 is not text"),
        ("project = 1", "no table"),
        ("hyperparameters = 1", "no table"),
        ("[project]\ntags = 'x'", "tags is no table"),
        ("[request]\ntraining = 1", "[request.training] is no table"),
        ("[project", "not TOML"),
    ],
)
def test_a_mistake_is_told_with_the_nearest_name(tmp_path: Path, text: str, said: str):
    path = tmp_path / "byoa.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(said)):
        load(path)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(UsageError, match="There is no file"):
        load(tmp_path / "other.toml")
