"""The requests of a run on AWS Batch: its job definitions, each of its jobs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from byoa.plan.batch import (
    EXITS,
    BatchJob,
    job_definition_request,
    requirements,
    submit_job_request,
)
from byoa.plan.names import fitted
from byoa.plan.pipeline.batch_jobs import Job
from byoa.plan.pipeline.manifest import Round, Run, RunTask
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.needs import Size, fargate
from byoa.plan.pipeline.soopervisor import ADDRESS, PROCESS, Target

COMMAND = ("python3", "-m", "byoa.pipeline.remote")
#: What a join needs: it ends at once.
JOIN = Size(1, 128)
#: Beside the task's own time: the image, upstream's products, the own ones.
AROUND = 900


def definition_request(
    image: str, size: Size, target: Target, project: str, roles: Mapping[str, str], region: str
) -> dict[str, Any]:
    """The dict for register_job_definition; its name ends in the hash of all the rest."""
    named = fitted(f"byoa-{project}", 100)
    container = dict(target.container)
    own = {one["name"]: str(one["value"]) for one in container.pop("environment", ())}
    job = BatchJob(
        name=named,
        image=image,
        command=[*COMMAND, "--help"],
        vcpus=size.vcpus,
        memory_mb=size.memory_mb,
        job_role=roles["job"],
        execution_role=roles["job"] if target.machines.fargate else None,
        environment={"AWS_DEFAULT_REGION": region, **own},
        attempts=target.attempts,
        timeout=target.timeout,
        fargate=target.machines.fargate,
        extra={"containerProperties": container} if container else {},
    )
    request = job_definition_request(job)
    mark = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:12]
    return job_definition_request(
        replace(job, name=f"{named}-{mark}", tags={"byoa:project": project, **target.tags})
    )


def submit_request(run: Run, number: int, job: Job, ids: Mapping[str, str]) -> dict[str, Any]:
    """The dict for submit_job; `ids` has the jobs that it waits for."""
    waits = [
        {"jobId": ids.get(wait.job, wait.job), **({"type": wait.kind} if wait.kind else {})}
        for wait in job.waits
    ]
    task = run.tasks[job.tasks[0]] if job.tasks else join_task(run)
    extra = {
        "containerOverrides": {
            "command": command(run, number, job),
            "resourceRequirements": requirements(task.vcpus, task.memory_mb, task.gpus),
        },
        "tags": {**run.tags, "byoa:run": run.run, "byoa:task": tag_of(job, run)},
        "propagateTags": True,
    }
    if task.seconds is not None:
        extra["timeout"] = {"attemptDurationSeconds": max(60, task.seconds)}
    if task.attempts > 1:
        extra["retryStrategy"] = {"attempts": task.attempts, "evaluateOnExit": list(EXITS)}
    return submit_job_request(
        job.name,
        run.queue,
        task.definition,
        depends_on=waits,
        size=len(job.tasks) if job.is_array else None,
        extra=extra,
    )


def client_address(pipeline: Pipeline) -> list[str]:
    """Where the File client puts products, if pipeline.yaml says it: an S3Client's bucket.

    The job's role may write there, so it must be one folder: a `*` would be every bucket.
    """
    client = pipeline.clients.get("File")
    said = client.arguments if client else {}
    if not isinstance(said.get("bucket_name"), str):
        return []
    parent = str(said.get("parent", "")).strip("/")
    address = f"s3://{said['bucket_name']}/{parent}/" if parent else f"s3://{said['bucket_name']}/"
    return [address] if ADDRESS.fullmatch(address) else []


def join_task(run: Run) -> RunTask:
    """A join's image and size: the smallest task's, which the machines have anyway.

    Fargate takes none but its own sizes, so a size that may be one of those stays as it is.
    """
    first = min(run.tasks.values(), key=lambda task: (task.vcpus, task.memory_mb))
    own = Size(first.vcpus, first.memory_mb)
    size = own if own.memory_mb < JOIN.memory_mb or fargate(own) == own else JOIN
    return RunTask(
        definition=first.definition, image=first.image, vcpus=size.vcpus, memory_mb=size.memory_mb
    )


def command(run: Run, number: int, job: Job) -> list[str]:
    """What the container runs: a task, an array's child, or for a join nothing."""
    if not job.tasks:
        return ["true"]
    words = [*COMMAND, "--run", f"{run.store}{run.place}"]
    if job.is_array:
        words += ["--job", job.name, "--round", str(number)]
    else:
        words += ["--task", job.tasks[0]]
    own = run.tasks[job.tasks[0]].image.startswith(PROCESS)
    return [*words, *(["--own-copy"] if own else [])]


def tag_of(job: Job, run: Run) -> str:
    """The task's or the grid's name, as tags may be."""
    if not job.tasks:
        return "join"
    name = run.tasks[job.tasks[0]].family if job.is_array else job.tasks[0]
    return re.sub(r"[^\w .:/=+@-]", "_", name)[:256]


def levels(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs in rounds: those of one wait only for those of earlier ones."""
    depth: dict[str, int] = {}
    found: list[list[Job]] = []
    for job in jobs:
        depth[job.name] = 1 + max((depth.get(wait.job, -1) for wait in job.waits), default=-1)
        if depth[job.name] == len(found):
            found.append([])
        found[depth[job.name]].append(job)
    return found


def requests(run: Run, submission: Round) -> list[dict[str, Any]]:
    """All of a round's requests, ids not yet known written as <id of NAME>: for --dry-run."""
    names = {job.name: f"<id of {job.name}>" for job in submission.jobs}
    return [submit_request(run, submission.number, job, names) for job in submission.jobs]
