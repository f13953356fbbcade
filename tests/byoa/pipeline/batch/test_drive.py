"""Who drives a run of Processing jobs: what begins when, what begins again, who makes room."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from byoa.local.folder_storage import FolderStorage
from byoa.pipeline import processing_seen
from byoa.pipeline.processing_drive import Drive
from byoa.pipeline.store import ContentStore
from byoa.plan.errors import ServiceError
from byoa.plan.pipeline.processing_jobs import job_name
from tests.byoa.plan.pipeline.runs import ROLE, run_of

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)
NEEDS = {"get": (), "fit-1": ("get",), "fit-2": ("get",), "end": ("fit-1", "fit-2")}
LOST = "InternalServerError: We encountered an internal error. Please try again."
OWN = "AlgorithmError: , exit code: 1"


class SageMaker:
    """Jobs that end when they are looked at, as `ends` says of each, in turn."""

    def __init__(self, room: int = 99, **ends: list[str]) -> None:
        self.room = room
        self.jobs: dict[str, Any] = {}
        run = run_of(NEEDS, role=ROLE)
        self.ends = {
            job_name(run.run, task.replace("_", "-")): list(all_) for task, all_ in ends.items()
        }
        self.created: list[str] = []
        self.refused = 0

    def create_processing_job(self, **request: Any) -> None:
        name = request["ProcessingJobName"]
        if name in self.jobs:
            text = f"Job name must be unique: {name} already exists"
            raise ServiceError("ResourceInUse", text, "CreateProcessingJob")
        if (
            sum(one["ProcessingJobStatus"] == "InProgress" for one in self.jobs.values())
            >= self.room
        ):
            self.refused += 1
            raise ServiceError("ResourceLimitExceeded", "no more", "CreateProcessingJob")
        self.created.append(name.removeprefix(run_of(NEEDS, role=ROLE).run + "-"))
        self.jobs[name] = {
            "ProcessingJobName": name, "ProcessingJobStatus": "InProgress", "CreationTime": NOW,
        }  # fmt: skip

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=self.pages)

    def pages(self, NameContains: str) -> Iterator[dict[str, Any]]:
        assert all(NameContains in name for name in self.jobs)
        yield {"ProcessingJobSummaries": [dict(one) for one in self.jobs.values()]}

    def pass_time(self, _: float) -> None:
        """Ends one job."""
        for name, one in self.jobs.items():
            if one["ProcessingJobStatus"] == "InProgress":
                ends = self.ends.get(name.partition("--")[0]) or [""]
                why = ends.pop(0)
                end = {"FailureReason": why} if why else {}
                one.update(
                    ProcessingJobStatus="Failed" if why else "Completed",
                    ProcessingEndTime=NOW,
                    **end,
                )
                return


class Show:
    def event(self, _: Any) -> None: ...

    def tick(self) -> None: ...


def driven(
    tmp_path: Path, there: SageMaker, again: set[str] | None = None
) -> tuple[dict[str, str], SageMaker]:
    """How each task ended."""
    base = f"file://{tmp_path}"
    home = SimpleNamespace(
        session=SimpleNamespace(client=lambda _: there),
        store=ContentStore(FolderStorage(tmp_path), base),
        place=SimpleNamespace(name="sandbox"),
        say=lambda _: None,
    )
    drive = Drive(home, run_of(NEEDS, role=ROLE), again or set(), sleep=there.pass_time)  # type: ignore[arg-type]
    news = SimpleNamespace(take=lambda _: None)
    seen = drive.drive(news, Show())  # type: ignore[arg-type]
    return {name: one.status for name, one in seen.tasks.items()}, there


DONE = dict.fromkeys(NEEDS, "done")


def test_each_begins_when_what_it_needs_is_done(tmp_path: Path):
    found, there = driven(tmp_path, SageMaker())
    assert found == DONE
    assert there.created == ["get", "fit-1", "fit-2", "end"]


def test_what_sagemaker_ended_begins_again_and_what_failed_by_itself_does_not(tmp_path: Path):
    found, there = driven(tmp_path, SageMaker(fit_1=[LOST, LOST], fit_2=[OWN]))
    assert found == {"get": "done", "fit-1": "done", "fit-2": "failed", "end": "skipped"}
    assert sorted(there.created) == ["fit-1", "fit-1--2", "fit-1--3", "fit-2", "get"]


def test_it_begins_again_only_so_often(tmp_path: Path):
    """Three attempts are the run's."""
    found, there = driven(tmp_path, SageMaker(get=[LOST] * 9))
    assert found == {"get": "failed", **dict.fromkeys(("fit-1", "fit-2", "end"), "skipped")}
    assert there.created == ["get", "get--2", "get--3"]


def test_a_service_that_did_not_answer_the_task_is_asked_again(tmp_path: Path):
    assert driven(tmp_path, SageMaker(get=["AlgorithmError: , exit code: 75"]))[0] == DONE


def test_without_room_one_waits_for_one_that_ends(tmp_path: Path):
    found, there = driven(tmp_path, SageMaker(room=1))
    assert found == DONE and there.refused
    with pytest.raises(ServiceError, match="ResourceLimitExceeded"):
        driven(tmp_path, SageMaker(room=0))  # nothing of ours will make any


def test_two_who_drive_start_a_job_once(tmp_path: Path):
    there = SageMaker()
    driven(tmp_path, there)
    assert driven(tmp_path, there)[0] == DONE
    assert len(there.created) == len(NEEDS)


def test_one_that_joins_leaves_what_runs_and_begins_what_failed(tmp_path: Path):
    there = SageMaker(fit_2=[OWN])
    driven(tmp_path, there)
    found, there = driven(tmp_path, there, again={"fit-2", "end"})
    assert found == DONE
    assert there.created[-2:] == ["fit-2--2", "end"]


def test_the_words_of_a_summary():
    seen = processing_seen.seen_of(
        "t", "run-t--2", 2,
        {"ProcessingJobStatus": "Failed", "FailureReason": OWN, "CreationTime": NOW,
         "ProcessingEndTime": NOW + datetime.timedelta(seconds=90)},
    )  # fmt: skip
    assert (seen.status, seen.reason, seen.seconds) == ("failed", OWN, 90)
    assert (seen.streams, seen.group) == (["run-t--2/"], "/aws/sagemaker/ProcessingJobs")
    assert len(seen.attempts) == 2
