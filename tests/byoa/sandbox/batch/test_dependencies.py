"""Jobs that wait for jobs: dependsOn, arrays, and what an end means for those that waited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.byoa.sandbox.batch.conftest import Submit, Wait
from tests.byoa.sandbox.conftest import refused

Lines = Callable[[str], list[str]]
INDEX = "import os; n = int(os.environ['AWS_BATCH_JOB_ARRAY_INDEX'])"
FIRST, SECOND = "'a' + str(n)", "'b' + str(n)"


def note(path: Path, what: str) -> str:
    return f"open({str(path)!r}, 'a').write({what} + '\\n')"


def test_a_job_begins_when_those_that_it_depends_on_have_done_well(
    submit: Submit, wait: Wait, tmp_path: Path
):
    path = tmp_path / "order"
    first = submit(f"import time; time.sleep(0.3); {note(path, repr('a'))}")
    second = submit(note(path, repr("b")), after=[first])
    third = submit(note(path, repr("c")), after=[first, second])
    assert wait(second, {"PENDING", "SUCCEEDED"})["status"] == "PENDING"
    job = wait(third)
    assert job["status"] == "SUCCEEDED"
    assert [one["jobId"] for one in job["dependsOn"]] == [first, second]
    assert path.read_text().split() == ["a", "b", "c"]


def test_what_waited_for_a_failed_job_fails_and_all_after_it(submit: Submit, wait: Wait):
    bad = submit("raise SystemExit(3)")
    wait(bad)
    after = submit("", after=[bad])  # already failed when it was submitted
    last = submit("", after=[after])
    job = wait(bad)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    for name in (after, last):
        job = wait(name)
        assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
        assert job["attempts"] == [] and "startedAt" not in job


def test_an_array_runs_its_children_and_counts_them(
    submit: Submit, wait: Wait, lines: Lines, batch: Any
):
    parent = submit(f"{INDEX}; print(n); raise SystemExit(n == 2)", arrayProperties={"size": 4})
    job = wait(parent)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Array Child Job failed")
    assert job["arrayProperties"]["size"] == 4
    summary = job["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"], summary["RUNNING"]) == (3, 1, 0)
    child = wait(f"{parent}:3")
    assert child["arrayProperties"]["index"] == 3
    assert lines(child["container"]["logStreamName"]) == ["3"]
    failed = batch.list_jobs(arrayJobId=parent, jobStatus="FAILED")["jobSummaryList"]
    assert [(one["jobId"], one["container"]["exitCode"]) for one in failed] == [(f"{parent}:2", 1)]
    assert failed[0]["arrayProperties"]["index"] == 2


def test_a_sequential_array_runs_its_children_one_after_another(
    submit: Submit, wait: Wait, tmp_path: Path
):
    path = tmp_path / "order"
    program = f"{INDEX}; import time; time.sleep((3 - n) / 10); {note(path, 'str(n)')}"
    parent = submit(program, arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    assert wait(parent)["status"] == "SUCCEEDED"
    assert path.read_text().split() == ["0", "1", "2"]


def test_n_to_n_a_child_waits_for_its_counterpart_alone(submit: Submit, wait: Wait, tmp_path: Path):
    """Child 0 of the first array is slow; child 1 of the second does not wait for it."""
    path = tmp_path / "order"
    slow = f"{INDEX}; import time; time.sleep(1.5 * (n == 0)); {note(path, FIRST)}"
    first = submit(slow, arrayProperties={"size": 2})
    waits = [{"jobId": first, "type": "N_TO_N"}]
    second = submit(f"{INDEX}; {note(path, SECOND)}", arrayProperties={"size": 2}, dependsOn=waits)
    assert wait(second)["status"] == "SUCCEEDED"
    assert path.read_text().split() == ["a1", "b1", "a0", "b0"]


def test_n_to_n_only_the_counterpart_of_a_failed_child_fails(submit: Submit, wait: Wait):
    first = submit(f"{INDEX}; raise SystemExit(n == 1)", arrayProperties={"size": 3})
    waits = [{"jobId": first, "type": "N_TO_N"}]
    second = submit("", arrayProperties={"size": 3}, dependsOn=waits)
    assert wait(second)["status"] == "FAILED"
    found = [wait(f"{second}:{index}")["status"] for index in range(3)]
    assert found == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    after = submit("", after=[second])  # the whole array
    assert wait(after)["statusReason"] == "Dependent Job failed"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"after": ["11111111-1111-1111-1111-111111111111"]}, "not found"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "for array jobs only"),
        ({"dependsOn": [{"jobId": "x", "type": "N_TO_N"}]}, "for array jobs only"),
        ({"arrayProperties": {"size": 1}}, "between 2 and 10000"),
        ({"arrayProperties": {"size": 10_001}}, "between 2 and 10000"),
        ({"jobName": "fit.1"}, "Job name should match valid pattern"),
        ({"jobName": "_fit"}, "Job name should match valid pattern"),
        ({"jobName": "f" * 129}, "Job name should match valid pattern"),
        ({"parameters": {"much": "x" * 31_000}}, "payload"),
    ],
)
def test_dependencies_that_cannot_be_are_refused(submit: Submit, more: dict[str, Any], said: str):
    code, text = refused(lambda **_: submit("", **more))
    assert code == "ClientException" and said in text


def test_more_than_twenty_dependencies_are_refused(submit: Submit, wait: Wait):
    one = submit("")
    wait(submit("", after=[one] * 20))
    code, text = refused(lambda **_: submit("", after=[one] * 21))
    assert code == "ClientException" and "20 or less" in text


def test_arrays_of_two_sizes_are_no_n_to_n(submit: Submit):
    first = submit("", arrayProperties={"size": 2})
    waits = [{"jobId": first, "type": "N_TO_N"}]
    code, text = refused(lambda **_: submit("", arrayProperties={"size": 3}, dependsOn=waits))
    assert code == "ClientException" and "one size" in text
