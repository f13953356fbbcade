"""`byoa stop`: ends a job early."""

from __future__ import annotations

import argparse

from byoa import jobs
from byoa.cli.show import emit
from byoa.cli.task_place import add_job, find
from byoa.follow import watch

HELP = "Stop a job: it gets SIGTERM, time to save its state, and what it made is kept."
EXAMPLES = """\
  byoa stop -p demo -t first
  byoa stop first-20261122-080522-065fba --on process"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detach", action="store_true", help="do not wait until it has stopped")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    found = find(arguments)
    job, kind, described = found.run.job, found.run.kind, found.described
    if jobs.status_of(described) == "InProgress":
        jobs.stop(found.place, kind, job)
        described = jobs.describe(found.place, kind, job) or {}
        if not arguments.detach:
            described = watch(found.place, found.run, quiet=True).described
    emit({"job": job, "status": jobs.status_of(described)}, arguments)
    return 0
