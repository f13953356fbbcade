"""`byoa pipeline logs TASK`: what a task printed, while it runs or afterwards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline.selection import hint


def add_logs(parser: argparse.ArgumentParser) -> None:
    from byoa.cli import pipeline_aws

    add_entry(parser)
    pipeline_aws.add_logs(parser)
    parser.add_argument("name", metavar="TASK", help="the task's name")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the task ends")
    parser.add_argument("--run", default="", metavar="ID", help="a run (the last one with a log)")
    parser.add_argument("--path", action="store_true", help="only where the log is")


def logs(arguments: argparse.Namespace) -> int:
    if arguments.on or arguments.sandbox:
        from byoa.cli import pipeline_aws

        return pipeline_aws.logs(arguments)
    from byoa.pipeline.logs import follow, log_of

    pipeline, name = loaded(arguments), arguments.name
    if name not in pipeline.tasks:
        raise NotFoundError(f"No task is called {name}. {hint(pipeline, [name])}")
    log = log_of(pipeline, name, arguments.run, running=arguments.follow)
    if arguments.path:
        print(log)
    elif arguments.follow:
        follow(log, name, sys.stdout.buffer)
    else:
        copy(log)
    return 0


def copy(log: Path) -> None:
    with log.open("rb") as file:
        while data := file.read(1 << 20):
            sys.stdout.buffer.write(data)
    sys.stdout.flush()
