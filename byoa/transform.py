"""Batch transform: predictions for every file of a folder, with no endpoint."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from byoa import account
from byoa.aws import endpoints
from byoa.aws.logs import follow
from byoa.deploy import Step, derived
from byoa.place import Place
from byoa.plan.ami import transform_ami
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import Model, model_request
from byoa.plan.names import job_name
from byoa.plan.transform import TransformJob, transform_request
from byoa.progress import bar, say
from byoa.task import Task

GROUP = "/aws/sagemaker/TransformJobs"
OVER = {"Completed", "Failed", "Stopped"}
LAST_LINES = 10


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is predicted: `job` without its names; a local folder instead of its input."""

    project: str
    name: str  #: of the task, for the job's name
    model: Model
    job: TransformJob
    folder: Path | None = None


def prepare(wanted: Batch, place: Place, facts: ImageFacts, dry: bool = False) -> list[Step]:
    """The input sent, the role made; the two requests."""
    model, job = wanted.model, wanted.job
    project = ProjectPlace(place.storage.base, wanted.project).uri
    name = job_name(wanted.name, datetime.now(timezone.utc), secrets.token_hex(3))
    network = {"subnets": model.subnets, "security_groups": model.security_groups}
    task = Task(project=wanted.project, name=wanted.name, job=network)
    source = job.input or f"{project}{wanted.name}/input/transform/"
    read = [one for one in (model.data or "", source) if one.startswith("s3://")]
    role = account.role(place, task, project, read, facts.uri, dry)
    tags = {**model.tags, "byoa:project": wanted.project, "byoa:task": wanted.name}
    model = replace(model, role=role, tags=tags, name=derived(name, facts.uri, model.data))
    if wanted.folder and not dry:
        send(wanted.folder, source, place)
    job = replace(
        job, name=name, model=model.name, tags=tags, input=source,
        output=job.output or f"{project}{wanted.name}/{name}/output",
        ami=job.ami or (transform_ami(facts, job.instance_type) if facts.labels else None),
    )  # fmt: skip
    return [
        ("sagemaker", "create_model", model_request(model)),
        ("sagemaker", "create_transform_job", transform_request(job)),
    ]


def send(folder: Path, address: str, place: Place) -> None:
    if not folder.exists():
        raise UsageError(f"There is no {folder} here. Name a folder, a file or an address.")
    with bar(f"sending {folder}") as shown:
        done = place.storage.sync(folder, address, delete=True, progress=shown)
    say(f"{folder}: {len(done.uploaded)} files sent, {len(done.unchanged)} unchanged")


def transform(
    made: list[Step],
    place: Place,
    *,
    keep: bool = False,
    wait: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Runs the job to its end; its description. The model goes again unless it is kept."""
    model, job = made[0][2], made[1][2]
    account.when_assumable(place, lambda: place.sagemaker.create_model(**model))
    try:
        place.sagemaker.create_transform_job(**job)
        name = job["TransformJobName"]
        say(f"transform job {name}")
        if not wait:
            return dict(place.sagemaker.describe_transform_job(TransformJobName=name))
        found = watch(place, name, sleep)
    finally:
        if not keep and wait:
            endpoints.delete(place.sagemaker, "delete_model", model["ModelName"])
    check(found, name, place)
    return found


def watch(place: Place, name: str, sleep: Callable[[float], None]) -> dict[str, Any]:
    """Tells what changes until the job is over. Ctrl-C stops it."""
    said = ""
    try:
        while True:
            found: dict[str, Any] = place.sagemaker.describe_transform_job(TransformJobName=name)
            status = found["TransformJobStatus"]
            if status != said:
                say(f"{name}: {status}")
            said = status
            if status in OVER:
                return found
            sleep(0.2 if place.is_local else 10.0)
    except KeyboardInterrupt:
        place.sagemaker.stop_transform_job(TransformJobName=name)
        say(f"{name} is told to stop")
        raise


def check(found: Mapping[str, Any], name: str, place: Place) -> None:
    if found["TransformJobStatus"] == "Completed":
        return
    lines = [line.text for line in follow(place.logs, GROUP, f"{name}/")][-LAST_LINES:]
    told = [
        f"The transform job {name} is {found['TransformJobStatus']}:"
        f" {found.get('FailureReason', 'it was stopped')}",
        *(f"  | {line}" for line in lines),
        f"What was done lies in {found['TransformOutput']['S3OutputPath']}",
    ]
    raise JobFailedError("\n".join(told))
