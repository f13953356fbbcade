"""byoa transform: a folder in, a folder of predictions out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from byoa import transform
from byoa.cli.invoke import content_type
from byoa.local import SageMaker
from byoa.local.folder_storage import FolderStorage
from byoa.place import Place
from tests.byoa.conftest import Byoa
from tests.byoa.plan.service_model import accepted
from tests.local_home import ROOT

SMALL = ROOT / "tests/small_algorithm"
WORDS = ("transform", "--on", "process", "-p", "demo", "--model", "model", "--image", SMALL)


@pytest.fixture
def folders(home: Path) -> Path:
    """model/ and data/ in the working folder."""
    Path("model").mkdir()
    Path("model/model.json").write_text('{"factor": 2}')
    Path("data/deep").mkdir(parents=True)
    for name in ("a", "b", "deep/c"):
        Path(f"data/{name}.txt").write_text(str(len(name)))
    return home


def test_a_folder_of_files_becomes_a_folder_of_predictions(folders: Path, byoa: Byoa):
    done = byoa(*WORDS, "--data", "data", "--content-type", "text/plain", "-o", "out", "--json")
    assert done.code == 0, done.err
    found = {str(path.relative_to("out")): json.loads(path.read_text())["answer"]
             for path in Path("out").rglob("*.out")}  # fmt: skip
    assert found == {"a.txt.out": 2, "b.txt.out": 2, "deep/c.txt.out": 12}
    assert done.json["TransformJobStatus"] == "Completed"
    assert not list((folders / "models").glob("*")), "its model goes again"
    again = byoa(*WORDS, "--data", "data", "--content-type", "text/plain")
    assert "0 files sent, 3 unchanged" in again.err
    job = done.json["TransformJobName"]
    on = ("--on", "process")
    listed = byoa("list", "-p", "demo", *on, "--json").json
    assert {(row["kind"], row["status"]) for row in listed} == {("transform", "Completed")}
    assert "/invocations" in byoa("logs", job, *on).out
    assert byoa("wait", job, *on).code == 0


def test_a_dry_run_prints_requests_that_aws_takes(folders: Path, byoa: Byoa):
    flags = ("--data", "s3://bucket/in/", "--split", "Line", "--assemble", "Line", "--concurrent",
             "4", "--payload_mb", "5", "--strategy", "MultiRecord", "--retries", "1", "--manifest",
             "--request", '{"transform": {"DataProcessing": {"JoinSource": "Input"}}}')  # fmt: skip
    done = byoa(*WORDS, *flags, "--dry-run")
    assert done.code == 0, done.err
    (model, job) = done.json
    assert list(model) == ["sagemaker.create_model"]
    request = job["sagemaker.create_transform_job"]
    assert request["TransformInput"]["SplitType"] == "Line"
    assert request["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"
    assert request["DataProcessing"] == {"JoinSource": "Input"}
    request["TransformOutput"]["S3OutputPath"] = "s3://bucket/out"  # a folder, here
    accepted("sagemaker", "CreateTransformJob", request)
    assert not (folders / "models").exists()


def test_ctrl_c_before_the_job_is_there_stops_nothing(home: Path):
    class Interrupted(SageMaker):
        def create_model(self, **_: Any) -> Any:
            raise KeyboardInterrupt

    place = Place("process", FolderStorage(home), Interrupted(home), None, None)
    steps: list[Any] = [
        ("sagemaker", "create_model", {}),
        ("sagemaker", "create_transform_job", {"TransformJobName": "t"}),
    ]
    with pytest.raises(KeyboardInterrupt):
        transform.transform(place, steps)


def test_a_job_that_fails_says_which_object_and_leaves_no_model(folders: Path, byoa: Byoa):
    Path("model/model.json").write_text("{")
    done = byoa(*WORDS, "--data", "data")
    assert done.code == 1 and "did not serve" in done.err and "JSONDecodeError" in done.err
    assert not list((folders / "models").glob("*"))
    nothing = byoa(*WORDS, "--data", "nothing")
    assert nothing.code == 2 and "nothing" in nothing.err
    bad = byoa(*WORDS, "--data", "data", "--request", "{")
    assert bad.code == 2 and "JSON" in bad.err


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.JPG", "image/jpeg"),
        ("a.png", "image/png"),
        ("rows.csv", "text/csv"),
        ("rows.jsonl", "application/jsonlines"),
        ("a.json", "application/json"),
        ("-", "application/octet-stream"),
        ("s3://bucket/x.tiff", "image/tiff"),
    ],
)
def test_the_suffix_says_what_a_file_is(name: str, kind: str):
    assert content_type(name) == kind
