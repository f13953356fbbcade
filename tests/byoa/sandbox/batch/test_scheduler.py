"""The scheduler by itself: many jobs, ends that fall through long chains, rules of retries."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.sandbox.batch import submit
from byoa.sandbox.batch.api import Bucket
from byoa.sandbox.batch.exits import EXITED, Ending, begins_again, like
from byoa.sandbox.batch.job import Job
from byoa.sandbox.batch.region import Region
from byoa.sandbox.batch.scheduler import Scheduler


class Machine:
    """A region with one queue, whose attempts end when, and as, the test says."""

    def __init__(self) -> None:
        self.region = Region("us-east-1")
        environment = {
            "computeEnvironmentName": "e", "computeEnvironmentArn": "x/e",
            "state": "ENABLED", "status": "VALID",
        }  # fmt: skip
        order = [{"order": 1, "computeEnvironment": "e"}]
        self.region.environments["e"] = environment
        self.region.queues["q"] = {
            "jobQueueName": "q", "jobQueueArn": "arn:aws:batch:x:job-queue/q", "priority": 1,
            "state": "ENABLED", "computeEnvironmentOrder": order,
        }  # fmt: skip
        self.region.definitions["d"] = [
            {
                "jobDefinitionName": "d", "jobDefinitionArn": "x/d:1", "revision": 1,
                "status": "ACTIVE", "parameters": {}, "platformCapabilities": ["EC2"],
                "containerProperties": {"image": "i", "vcpus": 1, "memory": 4},
            }
        ]  # fmt: skip
        self.go = threading.Event()
        self.codes: dict[str, int] = {}
        self.scheduler = Scheduler(self.region, self.carry)

    def carry(self, job: Job, _: dict[str, Any]) -> Ending:
        self.go.wait(60)
        return Ending(self.codes.get(job.name, 0))

    def submit(self, name: str, *after: Job, **more: Any) -> Job:
        depends = [{"jobId": job.id} for job in after]
        request = {"jobName": name, "jobQueue": "q", "jobDefinition": "d", "dependsOn": depends}
        with self.region.changed:
            job = submit.make(self.region, {**request, **more})
            self.scheduler.enter(job)
        return job

    def over(self, job: Job) -> str:
        for _ in range(6000):
            with self.region.changed:
                if job.over:
                    return job.status
            threading.Event().wait(0.01)
        raise AssertionError(f"still {job.status}")


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize(("code", "status"), [(0, "SUCCEEDED"), (1, "FAILED")])
def test_an_end_reaches_the_last_of_three_thousand(machine: Machine, code: int, status: str):
    machine.codes["head"] = code
    chain = [machine.submit("head")]
    for number in range(3000 if code else 200):
        chain.append(machine.submit(f"job-{number}", chain[-1]))
    assert chain[-1].status == "PENDING"
    machine.go.set()
    assert machine.over(chain[-1]) == status
    assert {job.status for job in chain} == {status}


def test_a_fan_in_of_an_array_and_twenty_jobs(machine: Machine):
    parts = [machine.submit(f"part-{number}") for number in range(20)]
    array = machine.submit("array", arrayProperties={"size": 500})
    join = machine.submit("join", *parts[1:], array)
    assert (array.status, join.status) == ("PENDING", "PENDING")
    assert len(join.waits) == 20
    machine.go.set()
    assert machine.over(join) == "SUCCEEDED"
    assert array.status == "SUCCEEDED" and array.counts()["SUCCEEDED"] == 500


def test_the_first_of_a_sequential_array_takes_the_others_along(machine: Machine):
    machine.codes["array"] = 1
    depends = [{"type": "SEQUENTIAL"}]
    array = machine.submit("array", arrayProperties={"size": 2000}, dependsOn=depends)
    machine.go.set()
    assert machine.over(array) == "FAILED"
    assert len(array.children[0].attempts) == 1
    assert {child.reason for child in array.children[1:]} == {"Dependent Job failed"}


def test_an_array_that_waits_for_what_has_failed_never_begins(machine: Machine):
    machine.codes["bad"] = 1
    machine.go.set()
    bad = machine.submit("bad")
    assert machine.over(bad) == "FAILED"
    sequential = [{"jobId": bad.id}, {"type": "SEQUENTIAL"}]
    array = machine.submit("array", arrayProperties={"size": 3}, dependsOn=sequential)
    assert array.status == "FAILED"
    assert {child.status for child in array.children} == {"FAILED"}


def test_a_disabled_queue_takes_no_job_and_a_disabled_environment_begins_none(machine: Machine):
    environment = machine.region.environments["e"]
    environment["state"] = "DISABLED"
    job = machine.submit("job")
    assert job.status == "RUNNABLE"
    environment["state"] = "ENABLED"
    machine.go.set()
    with machine.region.changed:
        machine.scheduler.turn()
    assert machine.over(job) == "SUCCEEDED"
    machine.region.queues["q"]["state"] = "DISABLED"
    with pytest.raises(Exception, match="not in a valid state"):
        machine.submit("job")


@pytest.mark.parametrize("seed", range(6))
def test_any_graph_ends_as_it_must_and_nothing_runs_too_early_or_too_much(seed: int):
    chance = random.Random(seed)
    machine = Machine()
    machine.go.set()
    machine.region.environments["e"]["computeResources"] = {"maxvCpus": 3, "type": "EC2"}
    jobs: list[Job] = []
    awaited: dict[str, list[Job]] = {}
    running: list[float] = []
    most = [0.0]

    def carry(job: Job, _: dict[str, Any]) -> Ending:
        early = [one.name for one in awaited[job.name] if one.status != "SUCCEEDED"]
        running.append(job.need("VCPU"))
        most[0] = max(most[0], sum(running))
        threading.Event().wait(chance.random() / 200)
        running.remove(job.need("VCPU"))
        return Ending(99 if early else machine.codes.get(job.name, 0))

    machine.scheduler.carry = carry
    for number in range(40):
        name = f"job-{number}"
        after = chance.sample(jobs, chance.randint(0, min(3, len(jobs))))
        awaited[name] = after
        machine.codes[name] = int(chance.random() < 0.1)
        needs = [{"type": "VCPU", "value": str(chance.randint(1, 3))}]
        more = {"containerOverrides": {"resourceRequirements": needs}}
        jobs.append(machine.submit(name, *after, **more))
    lost: set[str] = set()
    for job in jobs:
        machine.over(job)
        failed_before = any(one.name in lost for one in awaited[job.name])
        if machine.codes[job.name] or failed_before:
            lost.add(job.name)
        assert job.status == ("FAILED" if job.name in lost else "SUCCEEDED")
        assert len(job.attempts) == (0 if failed_before else 1)
        assert not job.ending or job.ending.exit_code != 99
    assert most[0] <= 3
    assert (machine.scheduler.running, sum(machine.scheduler.used.values())) == (0, 0)


def rules(*given: str) -> dict[str, Any]:
    """ "onExitCode=1:EXIT" …"""
    found = []
    for one in given:
        condition, _, action = one.rpartition(":")
        pairs = [pair.partition("=") for pair in condition.split(",")]
        found.append({**{key: value for key, _, value in pairs}, "action": action})
    return {"attempts": 5, "evaluateOnExit": found}


SPOT = Ending(None, "", "Host EC2 (instance i-1) terminated.")
MEMORY = Ending(137, "OutOfMemoryError: Container killed due to memory usage")


@pytest.mark.parametrize(
    ("ending", "strategy", "again"),
    [
        (Ending(0), {"attempts": 5}, False),
        (Ending(1), {}, False),
        (Ending(1), {"attempts": 5}, True),
        (Ending(1, "", "asked to", final=True), {"attempts": 5}, False),
        (Ending(0, "", "asked to", final=True), {"attempts": 5}, False),
        (SPOT, rules("onStatusReason=Host EC2*:RETRY", "onReason=*:EXIT"), True),
        (Ending(1), rules("onStatusReason=Host EC2*:RETRY", "onReason=*:EXIT"), False),
        (MEMORY, rules("onReason=OutOfMemory*:exit"), False),
        (Ending(1), rules("onReason=OutOfMemory*:EXIT"), True),
        (Ending(13), rules("onExitCode=1*:EXIT"), False),
        (Ending(13), rules("onExitCode=1:EXIT"), True),
        (SPOT, rules("onExitCode=1*:EXIT"), True),
        (Ending(3), rules(f"onExitCode=3,onStatusReason={EXITED}:EXIT"), False),
        (Ending(3), rules("onExitCode=3,onStatusReason=Host*:EXIT", "onExitCode=3:RETRY"), True),
    ],
)
def test_whether_it_begins_again(ending: Ending, strategy: dict[str, Any], again: bool):
    assert begins_again(ending, strategy, 1) is again
    assert not begins_again(ending, strategy, 5)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pattern_fits_its_own_beginning(text: str, rest: str):
    assert like(text + rest, text + "*")
    assert like(text, text.upper()) == (text.lower() == text.upper().lower())
    assert like(text, "*")


def test_a_bucket_gives_its_rate_and_no_more():
    moment = [0.0]
    bucket = Bucket(50, lambda: moment[0])
    assert [bucket.take() for _ in range(51)] == [True] * 50 + [False]
    moment[0] += 0.1
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]
    moment[0] += 3600
    assert sum(bucket.take() for _ in range(100)) == 50
