"""Batch transform: predictions for every file of a folder, with no endpoint."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from byoa import models
from byoa.aws.logs import follow
from byoa.deploy import Step, named, pause, send, withdraw
from byoa.place import Place
from byoa.plan.ami import transform_ami
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import model_request
from byoa.plan.names import job_name
from byoa.plan.transform import TransformJob, transform_request
from byoa.progress import bar, say
from byoa.settings import Settings

GROUP = "/aws/sagemaker/TransformJobs"
OVER = {"Completed", "Failed", "Stopped"}


def plan(
    place: Place, settings: Settings, data: str, *, dry: bool = False, **wanted: Any
) -> list[Step]:
    """create_model and create_transform_job; a local folder is sent here. Keywords are fields of
    plan's Model and TransformJob, and those of models.prepare."""
    task = wanted.get("task") or "transform"
    extra = {**settings.request, **wanted.pop("request", {})}
    settings = replace(settings, request=extra)
    model, facts = models.prepare(place, settings, wanted, dry)
    place_of = ProjectPlace(place.storage.base, settings.need_project()).task(task)
    name = job_name(task, datetime.now(timezone.utc), secrets.token_hex(3))
    source = data if "://" in data else place_of.input("transform")
    if source != data and not dry:
        with bar(f"sending {data}") as shown:
            done = place.storage.sync(Path(data), source, delete=True, progress=shown)
        say(f"{data}: {len(done.uploaded)} files sent, {len(done.unchanged)} unchanged")
    tags = {**model.tags, "byoa:task": task}
    model = replace(model, name=named(name, vars(model)), tags=tags)
    given = models.fields_of(TransformJob, wanted)
    if wanted:
        raise UsageError(f"A transform has no {', '.join(wanted)}. See: byoa transform --help")
    job = TransformJob(
        name=name, model=model.name, input=source, tags=tags, extra=extra.get("transform", {}),
        **{"output": place_of.output_of(name).rstrip("/"), **given},
    )  # fmt: skip
    if facts.labels and place.name == "sagemaker":
        job = replace(job, ami=job.ami or transform_ami(facts, job.instance_type))
    return [
        ("sagemaker", "create_model", model_request(model)),
        ("sagemaker", "create_transform_job", transform_request(job)),
    ]


def transform(
    place: Place, steps: Sequence[Step], *, keep: bool = False, wait: bool = True
) -> dict[str, Any]:
    """Runs the job to its end; its description. The model goes again unless it is kept."""
    name = steps[1][2]["TransformJobName"]
    sent: list[Step] = []
    try:
        send(place, steps, sent)
        found = watch(place, name, wait)
    finally:
        if not keep and wait:
            withdraw(place, sent)
    if found["TransformJobStatus"] != "Completed" and wait:
        lines = [line.text for line in follow(place.logs, GROUP, f"{name}/")][-10:]
        reason = found.get("FailureReason", "it was stopped")
        told = [f"The transform job {name} is {found['TransformJobStatus']}: {reason}"]
        done = f"What was done lies in {found['TransformOutput']['S3OutputPath']}"
        raise JobFailedError("\n".join([*told, *(f"  | {line}" for line in lines), done]))
    return found


def watch(place: Place, name: str, wait: bool) -> dict[str, Any]:
    """Tells what changes until the job is over. Ctrl-C stops it."""
    said = ""
    try:
        while True:
            found: dict[str, Any] = place.sagemaker.describe_transform_job(TransformJobName=name)
            if found["TransformJobStatus"] != said:
                said = found["TransformJobStatus"]
                say(f"transform job {name}: {said}")
            if said in OVER or not wait:
                return found
            time.sleep(pause(place))
    except KeyboardInterrupt:
        place.sagemaker.stop_transform_job(TransformJobName=name)
        say(f"{name} is told to stop")
        raise
