"""Jobs that run: their course, their log, what they find around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.byoa.sandbox.batch.conftest import Submit, Wait

Lines = Callable[[str], list[str]]


def test_a_job_runs_and_tells_how_it_went(
    submit: Submit, wait: Wait, lines: Lines, queue: str, definition: str
):
    job = wait(submit("print('hello'); print('there')"))
    assert (job["status"], job["statusReason"]) == (
        "SUCCEEDED", "Essential container in task exited",
    )  # fmt: skip
    assert job["container"]["exitCode"] == 0
    assert job["jobQueue"].endswith(f":job-queue/{queue}")
    assert job["jobDefinition"].endswith(f":job-definition/{definition}:1")
    assert job["createdAt"] <= job["startedAt"] <= job["stoppedAt"]
    (attempt,) = job["attempts"]
    assert attempt["container"]["exitCode"] == 0
    assert attempt["container"]["logStreamName"] == job["container"]["logStreamName"]
    assert job["container"]["logStreamName"].startswith(f"{definition}/default/")
    assert lines(job["container"]["logStreamName"]) == ["hello", "there"]


def test_a_job_finds_batchs_variables_its_own_and_the_sandbox(
    submit: Submit, wait: Wait, lines: Lines, queue: str, folder: Path
):
    program = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    given = [{"name": "COLOUR", "value": "blue"}, {"name": "AWS_ENDPOINT_URL", "value": "http://x"}]
    name = submit(program, container={"environment": given})
    job = wait(name)
    (line,) = lines(job["container"]["logStreamName"])
    where, found = json.loads(line)
    assert where == str(folder)
    assert found["COLOUR"] == "blue"
    assert found["AWS_BATCH_JOB_ID"] == name
    assert (found["AWS_BATCH_JQ_NAME"], found["AWS_BATCH_CE_NAME"]) == (queue, queue)
    assert found["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert found["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in found


def test_a_log_is_there_while_the_job_runs(submit: Submit, wait: Wait, lines: Lines, batch: Any):
    name = submit("import time; print('begun', flush=True); time.sleep(60)")
    job = wait(name, {"RUNNING"})
    while not lines(job["container"]["logStreamName"]):
        pass
    batch.terminate_job(jobId=name, reason="seen enough")
    job = wait(name)
    assert (job["status"], job["statusReason"]) == ("FAILED", "seen enough")
    assert job["isTerminated"] and job["container"]["exitCode"] in {137, 143}
