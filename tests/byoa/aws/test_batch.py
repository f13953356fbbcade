"""Batch's jobs: under its rate, by the hundred, by name."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.aws.batch import Batch, Pace, log_group, log_streams, queue_of
from byoa.plan.errors import NotFoundError


class Clock:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_thousand_jobs_are_never_more_than_batch_takes_in_any_second():
    clock = Clock()
    pace = Pace(40, clock.sleep, clock)
    sent = []
    for _ in range(1000):
        pace.wait()
        sent.append(clock.now)
        clock.now += 0.001
    for begin in sent:
        assert sum(begin <= moment < begin + 1 for moment in sent) <= 50
    assert 22 < sent[-1] - sent[0] < 26  # and not much slower than it may be
    clock.now += 3600
    quiet = clock.now
    for _ in range(7):
        pace.wait()
    assert clock.now == quiet  # a few are sent at once


class Client:
    """Answers like Batch's, of jobs that only have names."""

    def __init__(self, count: int = 0) -> None:
        self.jobs = [{"jobId": f"id-{n}", "jobName": f"R-1-task-{n}"} for n in range(count)]
        self.asked: list[Any] = []

    def describe_jobs(self, jobs: list[str]) -> Any:
        assert len(jobs) <= 100
        self.asked.append(jobs)
        return {"jobs": [one for one in self.jobs if one["jobId"] in jobs]}

    def list_jobs(self, nextToken: str = "0", **request: Any) -> Any:
        self.asked.append(request)
        at = int(nextToken)
        more = {"nextToken": str(at + 100)} if at + 100 < len(self.jobs) else {}
        return {"jobSummaryList": self.jobs[at : at + 100], **more}

    def terminate_job(self, **request: Any) -> None:
        self.asked.append(request)

    def describe_job_queues(self, jobQueues: list[str]) -> Any:
        return {"jobQueues": []}


def test_jobs_are_described_by_the_hundred_and_those_that_are_gone_are_left_out():
    client = Client(250)
    found = Batch(client).describe([*(f"id-{n}" for n in range(250)), "id-1", "gone"])
    assert len(found) == 250 and found["id-7"]["jobName"] == "R-1-task-7"
    assert sorted(len(some) for some in client.asked) == [51, 100, 100]
    assert Batch(client).describe([]) == {}


def test_jobs_are_found_by_what_their_names_begin_with():
    client = Client(120)
    client.jobs[3]["jobName"] = "r-1-task-3"  # Batch's filter does not tell cases apart
    found = list(Batch(client).named("queue", "R-1-"))
    assert len(found) == 119
    assert client.asked[0] == {
        "jobQueue": "queue", "filters": [{"name": "JOB_NAME", "values": ["R-1-*"]}],
    }  # fmt: skip
    assert len(client.asked) == 2


def test_jobs_are_ended_from_the_last_to_the_first():
    client = Client()
    Batch(client).end(["a", "b"], "enough")
    assert [one["jobId"] for one in client.asked] == ["b", "a"]
    assert client.asked[0]["reason"] == "enough"


def test_a_queue_that_is_not_there():
    with pytest.raises(NotFoundError, match=r"no job queue mine\. Name another as job_queue"):
        queue_of(Client(), "mine")


def test_every_attempt_has_a_log_of_its_own():
    tries = [
        {"container": {"logStreamName": "a"}},
        {"container": {}},
        {"container": {"logStreamName": "b"}},
    ]
    described = {"attempts": tries, "container": {"logStreamName": "b"}}
    assert log_streams(described) == ["a", "b"]
    assert log_streams({"container": {"logStreamName": "now"}}) == ["now"]
    assert log_streams({}) == []


def test_the_log_group_is_batchs_unless_the_definition_names_another():
    options = {"awslogs-group": "/flowers"}
    config = {"logDriver": "awslogs", "options": options}
    assert log_group({"container": {"logConfiguration": config}}) == "/flowers"
    assert log_group({"container": {}}) == log_group({}) == "/aws/batch/job"
