"""Batch transform: predictions for every file of a folder, with no endpoint."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from byoa import jobs, models
from byoa.deploy import Step, named, send, withdraw
from byoa.follow import watch
from byoa.place import Place
from byoa.plan.ami import transform_ami
from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import model_request
from byoa.plan.names import job_name
from byoa.plan.templates import over
from byoa.plan.transform import TransformJob, transform_request
from byoa.progress import bar, say
from byoa.record import Run
from byoa.run import end_of
from byoa.settings import Settings


def plan(
    place: Place, settings: Settings, data: str, *, dry: bool = False, **wanted: Any
) -> list[Step]:
    """create_model and create_transform_job; a local folder is sent here. Keywords are fields of
    plan's Model and TransformJob, and those of models.prepare."""
    task = wanted.get("task") or "transform"
    extra = over(settings.request, wanted.pop("request", {}))
    settings = replace(settings, request=extra)
    model, facts = models.prepare(place, settings, wanted, dry, data)
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
    job = Run(job=steps[1][2]["TransformJobName"], kind="transform")
    sent: list[Step] = []
    try:
        send(place, steps, sent)
        say(f"transform job {job.job}")
        if not wait:
            return jobs.describe(place, job.kind, job.job) or {}
        return end_of(watch(place, job, quiet=True))
    except KeyboardInterrupt:
        if jobs.describe(place, job.kind, job.job):
            jobs.stop(place, job.kind, job.job)
            say(f"{job.job} is told to stop")
        raise
    finally:
        if not keep and wait:
            withdraw(place, sent)
