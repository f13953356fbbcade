"""Which job a verb is about: named itself, or the last one of a task."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from byoa import jobs, record
from byoa.cli.common import add_common, settings_of
from byoa.place import Place, open_place
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.layout import ProjectPlace, TaskPlace
from byoa.record import Run


@dataclass(frozen=True)
class Found:
    """A job that is there, and where its task's things lie."""

    place: Place
    where: TaskPlace
    run: Run
    described: dict[str, Any]


def add_job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", nargs="?", help="a job's name, or a task's with --project")
    parser.add_argument("--task_name", "-t", help="the task: its last job (byoa.toml's task)")
    add_common(parser)


def find(arguments: argparse.Namespace) -> Found:
    """The job that was asked for. A name that is no job's is taken for a task's."""
    settings = settings_of(arguments)
    place = open_place(settings)
    job, task = arguments.job, arguments.task_name
    if not (job or task):
        task = settings.task
    if bool(job) == bool(task):
        raise UsageError(
            "Name one thing: a job, or a task with -t (and its project with -p)."
            " `byoa list` shows them."
        )
    for kind in jobs.NOUNS if job else ():
        described = jobs.describe(place, kind, job)
        if described is not None:
            tags = jobs.tags(place, described[f"{jobs.NOUNS[kind]}Arn"])
            project = ProjectPlace(place.storage.base, tags.get("byoa:project", settings.project))
            where = project.task(tags.get("byoa:task", job))
            last = record.latest(place.storage, where)
            run = last if last and last.job == job else Run(job=job, kind=kind)
            return Found(place, where, run, described)
    if job and not settings.project:
        raise NotFoundError(f"There is no job {job!r} on {place.name}. See: byoa list")
    where = ProjectPlace(place.storage.base, settings.need_project()).task(task or job)
    return last_of(place, where)


def last_of(place: Place, where: TaskPlace) -> Found:
    run = record.latest(place.storage, where)
    described = jobs.describe(place, run.kind, run.job) if run else None
    if run is None or described is None:
        project = where.project_uri.rstrip("/").rpartition("/")[2]
        raise NotFoundError(
            f"The task {where.name} of the project {project} has no job on {place.name}."
            " See: byoa list, or try another --on."
        )
    return Found(place, where, run, described)
