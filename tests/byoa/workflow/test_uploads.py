"""What is on this machine as an execution's input, in the sandbox."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.workflow import Workflow
from tests.byoa.conftest import Said

from .conftest import ENDED, Here, passes

#: Nobody else's: whether it has a stack, and so a bucket, is this page's to say.
PROJECT = "sends"
DRIVERS = "byoa-123456789012-us-east-1"


def byoa(here: Here, *words: object) -> Said:
    return here.byoa(*words, project=PROJECT)


def made(here: Here) -> str:
    return here.made(passes(Done=ENDED), project=PROJECT)


def given(here: Here, name: str, *words: object) -> tuple[dict[str, Any], str]:
    """The input of a new execution, and what was told."""
    done = byoa(here, "run", name, *words, "--wait", "--json")
    assert done.code == 0, done.err
    return dict(done.json["input"]), done.err


def keys(here: Here, bucket: str, prefix: str) -> list[str]:
    found = here.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return [one["Key"].removeprefix(prefix) for one in found]


def test_a_folder_is_sent_once_and_what_is_gone_here_goes_there(here: Here):
    name = made(here)
    folder = here.folder / "pictures"
    folder.mkdir()
    (folder / "1.jpg").write_text("1")
    (folder / "2.jpg").write_text("2")
    home = f"{PROJECT}/uploads/{name}/"
    shown = byoa(here, "run", name, "--upload", f"Data={folder}", "--dry-run").json
    expected = {"Data": f"s3://{DRIVERS}/{home}Data/", "x": "1"}
    assert json.loads(shown["start_execution"]["input"]) == {"Data": expected["Data"]}
    words = ("--upload", f"Data={folder}", "-i", "x=1")
    found, told = given(here, name, *words)
    assert (found, "2 files sent" in told) == (expected, True)
    (folder / "1.jpg").unlink()
    (folder / "3.jpg").write_text("3")
    found, told = given(here, name, *words)
    assert (found, "1 files sent" in told) == (expected, True)
    assert [key for key in keys(here, DRIVERS, f"{home}Data/") if ".jpg" in key] == [
        "2.jpg",
        "3.jpg",
    ]
    single, _ = given(here, name, "--upload", f"One={folder / '2.jpg'}")
    assert single == {"One": f"s3://{DRIVERS}/{home}One/2.jpg"}


def test_an_algorithm_without_a_dockerfile_gets_byoas_own(here: Here):
    name = made(here)
    folder = here.folder / "mine"
    (folder / "algorithm").mkdir(parents=True)
    (folder / "algorithm" / "train.py").write_text("print(1)\n")
    (folder / "byoa.toml").write_text('[build]\npackages = "harness"\nbase = "python:3.12-slim"\n')
    found, _ = given(here, name, "--zip", f"Context={folder}")
    bucket, _, key = found["Context"].removeprefix("s3://").partition("/")
    data = here.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    inside = zipfile.ZipFile(io.BytesIO(data))
    names = set(inside.namelist())
    assert {"algorithm/train.py", "container/train.py", "requirements/harness.txt"} <= names
    assert "build_and_push.sh" not in names
    dockerfile = inside.read("Dockerfile").decode()
    for line in ("PACKAGES=harness", "ALGORITHM=algorithm", "BASE_IMAGE=python:3.12-slim"):
        assert f"\nARG {line}\n" in dockerfile, line


def test_python_sends_folders_too(here: Here, monkeypatch: pytest.MonkeyPatch):
    name = made(here)
    (here.folder / "container").mkdir()
    (here.folder / "container" / "Dockerfile").write_text("FROM scratch\n")
    (here.folder / "few").mkdir()
    (here.folder / "few" / "1.jpg").write_text("1")
    monkeypatch.chdir(here.folder)
    workflow = Workflow.attach(name, on="sandbox", project=PROJECT)
    execution = workflow.execute(
        inputs={"x": 1}, upload={"Data": "few"}, zip={"Context": Path("container")}
    )
    execution.wait()
    found = execution.get_input()
    base = f"s3://{DRIVERS}/{PROJECT}/uploads/{name}"
    assert (found["x"], found["Data"]) == (1, f"{base}/Data/")
    assert found["Context"].startswith(f"{base}/Context-") and found["Context"].endswith(".zip")
    with pytest.raises(UsageError, match="there is no such file or folder here"):
        workflow.execute(upload={"Data": "nothing"})


def test_a_folder_as_a_zip_has_its_contents_address_and_no_secrets(here: Here):
    name = made(here)
    folder = here.folder / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".dockerignore").write_text("data\n")
    (folder / "data").write_text("much")
    (folder / "id_rsa").write_text("secret")
    first, told = given(here, name, "--zip", f"Context={folder}")
    again, second = given(here, name, "--zip", f"Context={folder}")
    assert first == again
    assert (" sent, s3://" in told, "is there already" in second) == (True, True)
    bucket, _, key = first["Context"].removeprefix("s3://").partition("/")
    data = here.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    inside = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert "Dockerfile" in inside
    assert not {"data", "id_rsa"} & set(inside)
    (folder / "Dockerfile").write_text("FROM scratch\nENV A=1\n")
    changed, _ = given(here, name, "--zip", f"Context={folder}")
    assert changed != first


def test_the_stacks_bucket_is_taken_where_there_is_one_and_no_upload_starts_it_twice(here: Here):
    name = made(here)
    stack = f"byoa-{PROJECT}-123456789012-us-east-1"
    s3 = here.client("s3")
    s3.create_bucket(Bucket=stack)
    folder = here.folder / "pictures"
    folder.mkdir()
    (folder / "1.jpg").write_text("1")
    try:
        words = ("run", name, "--upload", f"Data={folder}")
        address = json.loads(byoa(here, *words, "--dry-run").json["start_execution"]["input"])[
            "Data"
        ]
        assert address == f"s3://{stack}/{PROJECT}/uploads/{name}/Data/"
        below = f"s3://{stack}/{PROJECT}/"
        assert byoa(here, "trigger", name, "--s3", below, "--suffix", ".jpg").code == 0
        refused = byoa(here, *words)
        assert (refused.code, "would start it twice" in refused.err) == (2, True)
        assert keys(here, stack, PROJECT) == []
        assert byoa(here, "trigger", name, "--remove", "all").code == 0
        assert byoa(here, "trigger", name, "--s3", f"s3://{stack}/new/").code == 0
        assert byoa(here, *words).code == 0
    finally:
        for key in keys(here, stack, ""):
            s3.delete_object(Bucket=stack, Key=key)
        s3.delete_bucket(Bucket=stack)


def test_what_is_not_there_is_told(here: Here):
    name = made(here)
    empty = here.folder / "empty"
    empty.mkdir()
    for words, said in (
        (("--upload", "Data=nothing"), "no such file or folder"),
        (("--zip", f"Data={here.folder / 'nothing'}"), "no such folder"),
        (("--upload", f"Data={empty}"), "holds no file"),
        (("--upload", "Data"), "no KEY=PATH"),
        (("--zip", f"Data={empty}"), "it holds no Dockerfile"),
        (("--upload", f"a/b={empty}"), "input name"),
    ):
        done = byoa(here, "run", name, *words)
        assert (done.code, said in done.err) == (2, True), done.err
    assert byoa(here, "list", name, "--json").json == []
