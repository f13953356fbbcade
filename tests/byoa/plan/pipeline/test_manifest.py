"""A run's documents: written, read, refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import Job, Wait
from byoa.plan.pipeline.manifest import Ended, Round, Run, RunTask

KEYS = st.sampled_from(["version", "tasks", "jobs", "run"]) | st.text(max_size=3)
RUN = Run(
    run="20261122-141500-a1b2",
    pipeline="pipeline",
    project="flowers",
    target="aws",
    service="batch",
    created="2026-11-22T14:15:00+00:00",
    region="eu-west-1",
    queue="arn:aws:batch:eu-west-1:123456789012:job-queue/byoa-flowers",
    store="s3://bucket/flowers/pipelines/pipeline/",
    entry="pipeline.yaml",
    overrides={"sample": "true"},
    tasks={
        "get": RunTask(image="x@sha256:1", definition="d:1", why=("new",)),
        "fit-1": RunTask(needs=("get",), family="fit", gpus=1, seconds=60, forced=True),
    },
    kept=("raw",),
)


def test_documents_come_back_as_they_were():
    assert manifest.read_run(manifest.written(RUN), "run.json") == RUN
    jobs = (Job("r-1-fit", ("fit-1", "fit-2"), (Wait("r-1-get"), Wait("id", "N_TO_N"))),)
    one = Round(number=2, jobs=jobs, ids={"r-1-fit": "id-7"})
    assert manifest.read_round(manifest.written(one), "0002.json") == one
    ended = Ended(task="fit-1", outcome="done", seconds=1.5, why=("new",), record={"task": "fit-1"})
    assert manifest.read_ended(manifest.written(ended), "x") == ended


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is damaged"),
        (b"[]", "is damaged"),
        (b'{"run": "x"}', "is damaged"),
        (b'{"version": 1, "tasks": {}}', "is damaged"),
        (b'{"version": 1, "tasks": {"a": {"unknown": 1}}}', "is damaged"),
        (b'{"version": 2}', "is of version 2, and this byoa knows 1. Update it."),
    ],
)
def test_what_is_no_run_is_told(data: bytes, said: str):
    with pytest.raises(ByoaError) as caught:
        manifest.read_run(data, "s3://b/run.json")
    assert str(caught.value).startswith("s3://b/run.json ") and said in str(caught.value)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=60) | JSON.map(lambda one: json.dumps(one).encode()))
@example(b'{"version": 1}')
@example(b'{"version": 1, "jobs": [1]}')
@example(b'{"version": 1, "tasks": []}')
def test_no_bytes_make_it_stumble(data: bytes):
    for read in (manifest.read_run, manifest.read_round, manifest.read_ended):
        with pytest.raises(ByoaError):
            read(data, "x")


def test_how_tasks_ended_is_in_the_names_of_what_they_left():
    tasks = ["get", "fit.done", "a/b", "x" * 300]
    names = [
        manifest.ended_name("r", task, outcome).rpartition("/ended/")[2]
        for task, outcome in zip(tasks, ("done", "kept", "failed", "done"))
    ]
    assert all("/" not in name for name in names)
    names += ["stranger.txt", "gone.done.json", "a%2Fb.failed.json"]
    assert manifest.ended_of(names, tasks) == dict(zip(tasks, ("done", "kept", "failed", "done")))


def test_what_was_done_counts_whatever_failed_before():
    names = ["get.failed.json", "get.done.json"]
    assert manifest.ended_of(names, ["get"]) == {"get": "done"}
    assert manifest.ended_of(names[::-1], ["get"]) == {"get": "done"}


def test_points_are_one_array_only_where_their_jobs_are_equal():
    works = RUN.works(["fit-1"])
    assert list(works) == ["fit-1"] and works["fit-1"].family == "fit"
    assert manifest.shape(RUN.tasks["get"]) != manifest.shape(RUN.tasks["fit-1"])
