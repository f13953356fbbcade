"""Jobs that end before their program does, and those that begin again."""

from __future__ import annotations

from typing import Any

from tests.byoa.sandbox.batch.conftest import Submit, Wait

SLOW_AT_FIRST = "import time; time.sleep(2 * (os.environ['AWS_BATCH_JOB_ATTEMPT'] == '1'))"
SLEEP = "import time; time.sleep(60)"
FIRST_FAILS = "import os; raise SystemExit(7 * (os.environ['AWS_BATCH_JOB_ATTEMPT'] == '1'))"


def codes(job: dict[str, Any]) -> list[int | None]:
    return [one["container"].get("exitCode") for one in job["attempts"]]


def test_a_job_begins_again_as_often_as_it_may(submit: Submit, wait: Wait):
    job = wait(submit(FIRST_FAILS, retryStrategy={"attempts": 3}))
    assert (job["status"], codes(job)) == ("SUCCEEDED", [7, 0])
    assert job["attempts"][0]["container"]["logStreamName"] != job["container"]["logStreamName"]
    job = wait(submit("raise SystemExit(1)", retryStrategy={"attempts": 2}))
    assert (job["status"], codes(job)) == ("FAILED", [1, 1])


def test_a_rule_ends_it_and_another_lets_it_begin_again(submit: Submit, wait: Wait):
    rules = [{"onExitCode": "7", "action": "EXIT"}, {"onReason": "*", "action": "RETRY"}]
    strategy = {"attempts": 3, "evaluateOnExit": rules}
    assert codes(wait(submit(FIRST_FAILS, retryStrategy=strategy))) == [7]
    rules[0]["onExitCode"] = "8"
    assert codes(wait(submit(FIRST_FAILS, retryStrategy=strategy))) == [7, 0]


def test_a_job_is_stopped_when_its_time_is_up_and_not_begun_again(submit: Submit, wait: Wait):
    tags = {"byoa:timeout-after": "0.5"}
    job = wait(submit(SLEEP, tags=tags, retryStrategy={"attempts": 3}))
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert codes(job) in ([137], [143])


def test_the_time_that_a_job_has_for_its_end(submit: Submit, wait: Wait, lines: Any):
    """SIGTERM first: a program may put its things away."""
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    job = wait(submit(program, tags={"byoa:timeout-after": "1.5"}))
    assert lines(job["container"]["logStreamName"]) == ["ready", "bye"]
    assert (job["status"], codes(job)) == ("FAILED", [5])


def test_cancel_reaches_what_has_not_begun_and_nothing_else(submit: Submit, wait: Wait, batch: Any):
    running = submit(SLEEP)
    waiting = submit("", after=[running])
    wait(running, {"RUNNING"})
    batch.cancel_job(jobId=waiting, reason="not wanted")
    batch.cancel_job(jobId=running, reason="not wanted")
    batch.cancel_job(jobId="00000000-0000-0000-0000-000000000000", reason="nobody knows it")
    found = {one["jobId"]: one for one in batch.describe_jobs(jobs=[running, waiting])["jobs"]}
    # a job that waits is over when those are that it waits for
    assert found[waiting]["status"] == "PENDING" and found[waiting]["isCancelled"]
    assert found[running]["status"] == "RUNNING"
    batch.terminate_job(jobId=running, reason="now it is")
    assert wait(running)["statusReason"] == "now it is"
    assert wait(waiting)["statusReason"] == "not wanted"


def test_many_are_ended_with_one_request(submit: Submit, wait: Wait, batch: Any):
    array = submit(SLEEP, arrayProperties={"size": 3})
    single = submit(SLEEP)
    wait(single, {"RUNNING"})
    answer = batch.terminate_jobs(jobs=[array, single], reason="enough")
    assert answer["successful"] == [array, single] and answer["errors"] == []
    assert wait(array)["statusReason"] == "enough"
    assert {wait(f"{array}:{index}")["status"] for index in range(3)} == {"FAILED"}
    assert wait(single)["status"] == "FAILED"


def test_a_spot_machine_that_is_taken_away(submit: Submit, wait: Wait, spot: str, queue: str):
    program = FIRST_FAILS.replace("raise", f"{SLOW_AT_FIRST}; raise")
    rules = [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    tags = {"byoa:interrupt-after": "0.3"}
    strategy = {"attempts": 2, "evaluateOnExit": rules}
    job = wait(submit(program, jobQueue=spot, tags=tags, retryStrategy=strategy))
    assert (job["status"], codes(job)) == ("SUCCEEDED", [None, 0])
    assert job["attempts"][0]["statusReason"].startswith("Host EC2 (instance i-")
    assert job["attempts"][0]["statusReason"].endswith(") terminated.")
    # on demand nobody takes it away, and an error of the program is no reason to begin again
    job = wait(submit(program, jobQueue=queue, tags=tags, retryStrategy=strategy))
    assert codes(job) == [7]


def test_an_environment_runs_no_more_than_its_vcpus(
    submit: Submit, wait: Wait, batch: Any, spot: str
):
    two = {"resourceRequirements": [{"type": "VCPU", "value": "2"}]}
    first = submit(SLEEP, jobQueue=spot, container=two)
    second = submit("", jobQueue=spot, container=two)
    wait(first, {"RUNNING"})
    assert wait(second, {"RUNNABLE", "SUCCEEDED"})["status"] == "RUNNABLE"
    four = {"resourceRequirements": [{"type": "VCPU", "value": "4"}]}
    large = submit("", jobQueue=spot, container=four)
    batch.terminate_job(jobId=first, reason="room")
    assert wait(second)["status"] == "SUCCEEDED"
    job = wait(large, {"RUNNABLE"})
    assert job["statusReason"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    assert wait(submit("", jobQueue=spot))["status"] == "SUCCEEDED"  # it is not in the way
    batch.update_compute_environment(computeEnvironment=spot, computeResources={"maxvCpus": 4})
    assert wait(large)["status"] == "SUCCEEDED"
