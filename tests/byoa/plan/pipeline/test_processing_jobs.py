"""A run's tasks as Processing jobs: requests, machines, names that tell task and attempt."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.pipeline import processing_jobs
from byoa.plan.pipeline.processing_jobs import job_name, latest, machine, request
from tests.byoa.plan.pipeline.runs import ROLE, TASK, run_of
from tests.byoa.plan.service_model import accepted

RUN = "20261122-141500-a1b2"
AWS_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def test_the_request_is_one_that_sagemaker_takes():
    run = run_of({"fit-1": ()}, role=ROLE)
    found = request(run, "fit-1", 2)
    accepted("sagemaker", "CreateProcessingJob", found)
    assert found["ProcessingJobName"] == f"{RUN}-fit-1--2"
    assert found["AppSpecification"]["ContainerEntrypoint"][-4:] == [
        "--run", f"s3://bucket/p/pipelines/pipeline/runs/{RUN}/", "--task", "fit-1",
    ]  # fmt: skip
    assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 600}
    assert found["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.t3.medium"


def test_a_folder_of_this_machine_is_entered_first():
    run = run_of({"fit": ()}, task=replace(TASK, image="process:///home/you/it's"), role=ROLE)
    words = request(run, "fit", 1)["AppSpecification"]["ContainerEntrypoint"]
    assert words[:4] == ["sh", "-c", 'cd "$0" && exec "$@"', "/home/you/it's"]
    assert words[-1] == "--own-copy"


@pytest.mark.parametrize(
    ("vcpus", "memory", "gpus", "type_"),
    [
        (1, 2048, 0, "ml.t3.medium"),
        (2, 8192, 0, "ml.m5.large"),
        (4, 8192, 0, "ml.c5.xlarge"),
        (8, 16_384, 0, "ml.c5.2xlarge"),
        (2, 16_000, 0, "ml.r5.large"),
        (4, 16_384, 1, "ml.g4dn.xlarge"),
        (1, 1024, 4, "ml.g4dn.12xlarge"),
        (96, 700_000, 0, "ml.r5.24xlarge"),
    ],
)
def test_the_smallest_machine_that_is_large_enough(vcpus: int, memory: int, gpus: int, type_: str):
    assert machine(replace(TASK, vcpus=vcpus, memory_mb=memory, gpus=gpus)) == type_


def test_all_that_fit_nowhere_are_named():
    run = run_of({"a": (), "b": (), "c": ()})
    tasks = dict(run.tasks) | {name: replace(TASK, vcpus=500) for name in "bc"}
    with pytest.raises(UsageError) as told:
        processing_jobs.machines(tasks)
    assert [line[:2] for line in str(told.value).splitlines()] == ["b:", "c:"]


@given(st.lists(st.text(min_size=1, max_size=80), unique=True, max_size=6), st.integers(1, 10))
def test_names_are_sagemakers_and_each_tasks_own(tasks: list[str], attempt: int):
    names = {task: job_name(RUN, task, attempt) for task in tasks}
    assert all(AWS_NAME.fullmatch(name) for name in names.values())
    assert len(set(names.values())) == len(names)
    # an attempt of one is no other task's, and the last one counts
    every = [job_name(RUN, task, number) for task in tasks for number in range(1, attempt + 1)]
    assert latest(RUN, tasks, every) == {task: (names[task], attempt) for task in tasks}


def test_a_task_that_is_called_like_an_attempt_is_itself():
    every = [job_name(RUN, "fit", 2), job_name(RUN, "fit-2")]
    assert latest(RUN, ["fit", "fit-2"], [*every, "somebody-elses"]) == {
        "fit": (f"{RUN}-fit--2", 2),
        "fit-2": (f"{RUN}-fit-2", 1),
    }
