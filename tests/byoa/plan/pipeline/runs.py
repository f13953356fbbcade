"""Runs as a submission writes them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from byoa.plan.pipeline.manifest import Run, RunTask

ROLE = "arn:aws:iam::123456789012:role/byoa-p"
TASK = RunTask(
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/p@sha256:0",
    definition="arn:aws:batch:eu-west-1:123456789012:job-definition/d:1",
    vcpus=2,
    memory_mb=4096,
    seconds=600,
    attempts=3,
)


def run_of(
    needs: Mapping[str, Iterable[str]],
    run: str = "20261122-141500-a1b2",
    task: RunTask = TASK,
    role: str = "",
) -> Run:
    """A run of such tasks, all of one size."""
    return Run(
        run=run,
        pipeline="pipeline",
        project="p",
        target="aws",
        service="stepfunctions",
        created="2026-11-22T14:15:00+00:00",
        region="eu-west-1",
        queue="arn:aws:batch:eu-west-1:123456789012:job-queue/q",
        store="s3://bucket/p/pipelines/pipeline/",
        entry="pipeline.yaml",
        tasks={name: replace(task, needs=tuple(some)) for name, some in needs.items()},
        tags={"byoa:project": "p"},
        role=role,
    )
