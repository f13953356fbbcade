"""The verbs of a run on AWS: cancel, resume, cost, download; status, logs and clean with --on."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.cli.pipeline_place import add_place, home_of
from byoa.cli.show import emit
from byoa.plan.errors import NotFoundError

if TYPE_CHECKING:
    from byoa.pipeline.batch.home import Home
    from byoa.pipeline.batch.runs import Seen, TaskSeen
    from byoa.plan.pipeline.manifest import Run

PRICES = {"vcpu": "vCPU", "gb": "GB", "gpu": "GPU"}


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", default="", metavar="RUN", help="a run's name or its end (the last)"
    )


def add_verb(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    add_place(parser)
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="results as JSON")


def add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="aws", metavar="TARGET", help="its name (aws)")
    add_entry(parser)
    parser.add_argument("--backend", "-b", default="aws-batch", help="aws-batch")
    parser.add_argument("--repository", help="the image's repository in ECR (one is made)")
    parser.add_argument("--job-queue", help="a job queue of yours (one is made)")
    parser.add_argument("--region-name", help="the AWS region")
    parser.add_argument("--bucket", help="the bucket in S3 (one is made)")
    parser.add_argument("--memory", type=int, default=2048, help="MiB a task (2048)")
    parser.add_argument("--vcpus", type=int, default=1, help="vCPUs a task (1)")


def init(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from byoa.pipeline.batch.init import add

    pipeline = loaded(arguments)
    section = {
        "backend": arguments.backend,
        "repository": arguments.repository,
        "job_queue": arguments.job_queue,
        "region_name": arguments.region_name,
        "bucket": arguments.bucket,
        "container_properties": {"memory": arguments.memory, "vcpus": arguments.vcpus},
    }
    for path in add(Path(pipeline.root), arguments.name, section, pipeline):
        print(path)
    said = "" if arguments.name == "aws" else f" {arguments.name}"
    print(f"Next: byoa pipeline submit{said} --on batch", file=sys.stderr)
    return 0


add_cancel = add_verb


def cancel(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.batch.going_on import cancel as end

    home, run = opened(arguments)
    count = end(home, run)
    emit({"run": run.run, "cancelled": count}, arguments)
    return 0


def add_resume(parser: argparse.ArgumentParser) -> None:
    add_verb(parser)
    parser.add_argument("--wait", action="store_true", help="watch it to its end; its exit code")


def resume(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.batch.going_on import resume as go_on
    from byoa.pipeline.batch.watch import watch
    from byoa.pipeline.services import STAYS, service

    home, run = opened(arguments)
    if run.service in STAYS:
        return service(run.service).stay(home, run, arguments.json)
    tasks = go_on(home, run)
    home.say(f"run {run.run}: {len(tasks)} tasks are submitted")
    if arguments.wait:
        return watch(home, run, arguments.json)
    if arguments.json:
        print(json.dumps({"run": run.run, "tasks": tasks}))
    return 0


def add_cost(parser: argparse.ArgumentParser) -> None:
    add_verb(parser)
    for name, unit in PRICES.items():
        parser.add_argument(
            f"--{name}-hour", type=float, metavar="USD", help=f"the price of a {unit} hour"
        )


def cost(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.batch.cost import rows

    home, run = opened(arguments)
    given = {name: getattr(arguments, f"{name}_hour") for name in PRICES}
    prices = {name: price for name, price in given.items() if price is not None}
    emit(rows(home, run, prices), arguments)
    missing = [f"--{name}-hour" for name in PRICES if name not in prices]
    if missing and not run.on_sagemaker:
        home.say(
            "Machines' prices differ by region, type and spot's hour, and byoa makes none up: give"
            f" yours for dollars, {' '.join(missing)}"
        )
    return 0


def add_download(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="of these tasks alone (fit-*)")
    add_entry(parser)
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="results as JSON")


def download(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.batch.download import download as fetch
    from byoa.pipeline.batch.download import paths
    from byoa.plan.pipeline.selection import named

    home = home_of(arguments)
    pipeline = home.project.loaded(arguments.env)
    wanted = named(pipeline, arguments.tasks) if arguments.tasks else set(pipeline.tasks)
    found = fetch(home, pipeline, wanted)
    if not found:
        raise NotFoundError(f"Nothing of {pipeline.name} is done in {home.store.base}/ yet.")
    files = sorted(paths(pipeline, found.values()))
    emit(files if arguments.json else "\n".join(files), arguments)
    home.say(f"{len(files)} files")
    if missing := len(wanted) - len(found):
        home.say(f"{missing} of {len(wanted)} tasks are not done there")
    return 0


def opened(arguments: argparse.Namespace) -> tuple[Home, Run]:
    """The place and the run that a verb is about."""
    from byoa.pipeline.batch import runs

    home = home_of(arguments)
    run = runs.find(home, arguments.run)
    return replace(home, service=run.service), run


def add_status(parser: argparse.ArgumentParser) -> None:
    """What `status` needs besides for a run on AWS."""
    add_place(parser, here=True)
    add_run(parser)
    parser.add_argument("--wait", action="store_true", help="--on: watch it to its end")
    parser.add_argument("--runs", action="store_true", help="--on: the runs that there are")


def status(arguments: argparse.Namespace) -> int:
    """A run's tasks; exit code 1 when something of it failed."""
    from byoa.pipeline.batch import runs
    from byoa.pipeline.batch.watch import as_data, counted, watch

    if arguments.runs:
        emit([{"run": name} for name in runs.names(home_of(arguments))], arguments)
        return 0
    home, run = opened(arguments)
    if arguments.wait:
        return watch(home, run, arguments.json)
    seen = runs.look(home, run, whole=True)
    wanted = chosen(seen, arguments.tasks)
    if arguments.json:
        emit(as_data(seen, wanted), arguments)
    else:
        emit([row(one) for one in wanted], arguments)
        seconds = sum(one.seconds or 0 for one in wanted)
        home.say(f"run {run.run}: {counted(seen)}; {seconds:.0f} s of jobs")
        if seen.word in {"cut off", "cancelled", "failed"}:
            home.say(f"Go on: byoa pipeline resume{home.said}")
    return int(bool(seen.counts["failed"]))


def chosen(seen: Seen, patterns: list[str]) -> list[TaskSeen]:
    from fnmatch import fnmatchcase

    found = [
        one
        for name, one in seen.tasks.items()
        if not patterns
        or any(fnmatchcase(name, p) or seen.run.tasks[name].family == p for p in patterns)
    ]
    if patterns and not found:
        raise NotFoundError(f"The run {seen.run.run} has no task {' or '.join(patterns)}.")
    return found


def row(seen: TaskSeen) -> dict[str, Any]:
    return {
        "task": seen.task,
        "status": seen.status,
        "attempts": len(seen.attempts),
        "interruptions": seen.interruptions,
        "seconds": seen.seconds,
        "reason": seen.said[:100],
    }


def add_logs(parser: argparse.ArgumentParser) -> None:
    """What `logs` needs besides for a run on AWS; it has --run and --follow itself."""
    add_place(parser, here=True)


def logs(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.batch.logs import lines

    home, run = opened(arguments)
    for line in lines(home, run, arguments.name, follow=arguments.follow):
        print(line, flush=True)
    return 0


def add_clean(parser: argparse.ArgumentParser) -> None:
    """What `clean` needs besides to remove a project's things from AWS."""
    add_place(parser, here=True)
    parser.add_argument(
        "--unused",
        action="store_true",
        help="--on: only old runs (--runs) and products in S3 that no record names any more",
    )


def clean(arguments: argparse.Namespace) -> int:
    """Everything of the project's pipelines on AWS, and of this pipeline in S3."""
    from byoa.aws.batch_belongings import batch
    from byoa.clean import remove
    from byoa.pipeline import sagemaker, stepfunctions
    from byoa.pipeline.batch.stored import stored, unused

    home = home_of(arguments)
    things = (
        [
            *stepfunctions.things(home),
            *sagemaker.things(home),
            *batch(home.session, home.project.name),
            *stored(home),
        ]
        if not arguments.unused
        else [*unused(home, max(0, arguments.runs))]
    )
    for thing in things if arguments.dry_run else ():
        home.say(f"would remove {thing.kind} {thing.name}")
    failed = [] if arguments.dry_run else remove(things, home.say)
    for sentence in failed:
        home.say(sentence)
    return int(bool(failed))
