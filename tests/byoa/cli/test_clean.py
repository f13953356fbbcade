"""`byoa clean` and `byoa teardown` on this machine: listed, asked, removed."""

from __future__ import annotations

import json

import pytest

from byoa.cli.main import main
from byoa.local.folder_storage import FolderStorage
from byoa.plan.layout import ProjectPlace
from tests.local_home import home  # noqa: F401 - a fixture

BASE = ["-p", "cells", "--on", "process"]
JOB = "20260101-000000-abcd"


def tags(project):
    return [{"Key": "byoa:project", "Value": project}]


@pytest.fixture
def used(home, monkeypatch):  # noqa: F811
    """Two projects with a job that has ended and a model each; one of our jobs still runs."""
    monkeypatch.setenv("BYOA_HOME", str(home.root))
    monkeypatch.chdir(home.root)
    storage = FolderStorage(home.storage)
    for project in ("cells", "cells2"):
        place = ProjectPlace(storage.base, project)
        home.train(
            f"{project}-{JOB}", Tags=tags(project),
            OutputDataConfig={"S3OutputPath": f"{place.uri}task"}, HyperParameters={"steps": "1"},
        )  # fmt: skip
        home.sagemaker.create_model(
            ModelName=f"{project}-model", PrimaryContainer={"Image": home.image},
            ExecutionRoleArn="arn:aws:iam::123456789012:role/r", Tags=tags(project),
        )  # fmt: skip
    home.start("waits", Tags=tags("cells"), HyperParameters={"how": "wait"})
    return home


def listed(capsys, verb):
    capsys.readouterr()
    assert main([verb, *BASE, "--json", "--dry-run"]) == 0
    return {one["kind"]: one["name"] for one in json.loads(capsys.readouterr().out)}


def left(home):  # noqa: F811
    jobs = home.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    models = home.sagemaker.list_models()["Models"]
    stored = {
        path.parts[0] for path in (p.relative_to(home.storage) for p in home.storage.rglob("*"))
    }
    return {one["TrainingJobName"] for one in jobs}, {one["ModelName"] for one in models}, stored


def test_listed_and_removed_and_nothing_else(used, capsys):
    before = listed(capsys, "clean")
    assert before["running training job"] == "waits"
    assert before["model"] == "cells-model"
    assert "cells/ (" in before["stored"]
    assert main(["clean", *BASE, "--yes"]) == 0
    assert "removed model cells-model" in capsys.readouterr().err
    assert left(used) == ({f"cells2-{JOB}"}, {"cells2-model"}, {"cells2"})
    assert used.log(f"cells-{JOB}") == "" and used.log(f"cells2-{JOB}") != ""
    assert listed(capsys, "teardown") == {}


def test_nothing_is_removed_without_a_yes(used, capsys):
    before = left(used)
    assert main(["teardown", *BASE]) == 0
    said = capsys.readouterr()
    assert "cells-model" in said.out and "nothing was removed: say --yes" in said.err
    assert left(used) == before


def test_a_project_must_be_named(home, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(home.root)
    assert main(["clean", "--on", "process"]) == 2
    assert "No project is named" in capsys.readouterr().err
