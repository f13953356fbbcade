"""What a job runs, with a folder in S3's place: content comes, is checked, goes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byoa.local.folder_storage import FolderStorage
from byoa.pipeline.batch.away import Away, read_records
from byoa.pipeline.load import load
from byoa.pipeline.remote import main
from byoa.pipeline.store import ContentStore
from byoa.plan.batch import TEMPORARY
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import Job
from byoa.plan.pipeline.manifest import Round, RunTask
from byoa.plan.pipeline.selection import Selection
from tests.byoa.pipeline.batch.conftest import FILES
from tests.byoa.plan.pipeline.test_manifest import RUN


class Place:
    """A run in a folder, and its jobs one by one, each in a fresh copy of the image's files."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = tmp_path, monkeypatch
        self.store = ContentStore(FolderStorage(tmp_path / "s3"))
        self.tasks = {
            "get": RunTask(environment="e"),
            "fit-1": RunTask(needs=("get",), environment="e", family="fit"),
            "fit-2": RunTask(needs=("get",), environment="e", family="fit"),
            "best": RunTask(needs=("fit-1", "fit-2"), environment="e"),
        }
        self.files = dict(FILES)
        self.count = 0
        self.write()

    def write(self, **more: Any) -> None:
        self.run = replace(RUN, tasks=self.tasks, overrides={}, **more)
        self.store.write(f"{self.run.place}run.json", manifest.written(self.run))

    @property
    def uri(self) -> str:
        return self.store.uri(self.run.place)

    def job(self, *words: str, **environ: str) -> int:
        """One job's exit code; its folder is `self.at`."""
        self.count += 1
        self.at = self.folder / f"job-{self.count}"
        self.at.mkdir()
        for name, text in self.files.items():
            (self.at / name).write_text(text)
        self.patch.chdir(self.at)
        for name, value in environ.items():
            self.patch.setenv(name, value)
        return main(["--run", self.uri, *words])

    def ended(self) -> dict[str, str]:
        return manifest.ended_of(self.store.names(f"{self.run.place}ended/"), self.tasks)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_tasks_hand_on_what_they_made_by_content(place: Place, capfd: pytest.CaptureFixture[str]):
    assert place.job("--task", "get") == 0
    assert "byoa: get runs: new\ngetting\n" in capfd.readouterr().out
    jobs = (Job("r-1-fit", ("fit-1", "fit-2")),)
    one = manifest.written(Round(number=1, jobs=jobs))
    place.store.write(f"{place.run.place}rounds/0001.json", one)
    for child in ("0", "1"):
        words = ("--job", "r-1-fit", "--round", "1")
        assert place.job(*words, AWS_BATCH_JOB_ARRAY_INDEX=child, AWS_BATCH_JOB_ID="id:0") == 0
    assert (place.at / "output/get.txt").read_text() == "1 2 3"
    assert place.job("--task", "best") == 0
    assert (place.at / "output/best.txt").read_text() == "1: 1 2 3; 2: 1 2 3"
    assert place.ended() == dict.fromkeys(place.tasks, "done")
    record = read_records(place.store, ["best"])["best"]
    assert record.fingerprint.image == "e" and record.run == RUN.run and record.log == ""
    assert not any(made.stat for made in record.products.values())
    log = place.store.read(manifest.log_name(RUN.run, "get"))
    assert log == b"getting\n"


def test_what_is_up_to_date_is_kept_and_what_is_forced_is_not(place: Place):
    assert place.job("--task", "get") == 0
    assert place.job("--task", "get") == 0
    assert not (place.at / "output").exists()
    assert place.ended() == {"get": "done"}  # of the first time: done is more than kept
    place.tasks["get"] = replace(place.tasks["get"], forced=True)
    place.write()
    assert place.job("--task", "get") == 0
    assert (place.at / "output/get.txt").exists()


@pytest.mark.parametrize("what", ["object", "environment", "code", "nothing"])
def test_whatever_decides_the_result_is_asked_again_in_the_job(place: Place, what: str):
    assert place.job("--task", "get") == 0
    if what == "object":
        (digest,) = place.store.held()
        place.store.storage.delete(place.store.uri(f"objects/{digest}"))
    if what == "environment":
        place.tasks["get"] = replace(place.tasks["get"], environment="other")
        place.write()
    if what == "code":
        place.files["tasks.py"] = place.files["tasks.py"].replace("1 2 3", "4")
    assert place.job("--task", "get") == 0
    assert (place.at / "output").exists() is (what != "nothing")


def test_a_task_that_fails_says_so_and_leaves_no_record(
    place: Place, capfd: pytest.CaptureFixture[str]
):
    place.files["tasks.py"] = place.files["tasks.py"].replace("BAD = None", "BAD = 1")
    assert place.job("--task", "get") == 0
    assert place.job("--task", "fit-1", AWS_BATCH_JOB_ID="id-7") == 1
    said = capfd.readouterr()
    assert "ValueError: 1 is no good" in said.out and "fit-1 failed" in said.err
    assert place.ended() == {"get": "done", "fit-1": "failed"}
    where = manifest.ended_name(RUN.run, "fit-1", "failed")
    ended = manifest.read_ended(place.store.read(where), where)
    assert (ended.error, ended.job) == ("ValueError: 1 is no good", "id-7")
    assert read_records(place.store, ["fit-1"]) == {}
    assert place.job("--task", "best") == 1
    assert "best needs fit-1, fit-2, which has no record" in capfd.readouterr().err


def test_damaged_content_is_not_taken(place: Place, capfd: pytest.CaptureFixture[str]):
    assert place.job("--task", "get") == 0
    (digest,) = place.store.held()
    (place.folder / f"s3/objects/{digest}").write_text("9 9 9")
    assert place.job("--task", "fit-1") == 1
    assert "is damaged" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--task", "gone"), "of this image has no task 'gone'"),
        (("--job", "r-1-x", "--round", "9"), "is not there"),
    ],
)
def test_what_does_not_fit_the_image_is_told(
    place: Place, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
):
    assert place.job(*words) == 1
    assert said in capfd.readouterr().err


def test_joins_and_checks_need_no_run(place: Place, capfd: pytest.CaptureFixture[str]):
    assert main(["--nothing"]) == 0
    place.job("--task", "get")
    text = FILES["pipeline.yaml"].replace("output/get.txt", "'{{git_hash}}/get'")
    (place.at / "pipeline.yaml").write_text(text)
    assert main(["--check", "pipeline.yaml", "--env=git_hash=a=b"]) == 0
    assert capfd.readouterr().out.endswith("4 tasks\n")


def test_a_service_that_does_not_answer_is_tried_again(capfd: pytest.CaptureFixture[str]):
    """Batch retries by this very code, and the user's own errors have another."""
    from botocore.exceptions import EndpointConnectionError

    def opened(uri: str) -> ContentStore:
        raise EndpointConnectionError(endpoint_url=uri)

    assert main(["--run", "s3://bucket/x/runs/r/", "--task", "get"], opened) == TEMPORARY
    assert capfd.readouterr().err.startswith("byoa: ")


def test_the_plan_against_s3_is_the_jobs_own(place: Place):
    for task in ("get", "fit-1"):
        assert place.job("--task", task) == 0
    os.chdir(place.at)
    pipeline = load("pipeline.yaml")
    held = place.store.held()
    of = dict.fromkeys(pipeline.tasks, "e")
    found = read_records(place.store, pipeline.tasks)
    plan = Away(pipeline, found, of, held.__contains__).plan(Selection())
    assert {name: one.action for name, one in plan.items()} == {
        "get": "keep", "fit-1": "keep", "fit-2": "run", "best": "run",
    }  # fmt: skip
    place.store.write(manifest.record_name("get"), b"{}")
    assert json.loads(place.store.read(manifest.record_name("get"))) == {}
    found = read_records(place.store, pipeline.tasks)
    plan = Away(pipeline, found, of, held.__contains__).plan(Selection())
    assert plan["get"].action == "run" and plan["fit-1"].action == "perhaps"
