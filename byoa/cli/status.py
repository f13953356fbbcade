"""`byoa status`: how a job is doing."""

from __future__ import annotations

import argparse

from byoa import results
from byoa.cli.show import emit
from byoa.cli.task_place import add_job, find

HELP = "How a task's last job, or the job of that name, is doing."
EXAMPLES = """\
  byoa status -p demo -t first
  byoa status first-20261122-080522-065fba --on process --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    found = find(arguments)
    data = results.summary(found.place, found.where, found.run, found.described)
    steps = found.described.get("SecondaryStatusTransitions", [])
    if arguments.json:
        data["steps"] = steps
    emit(data, arguments)
    for step in steps if not arguments.json else ():
        print(f"  {step['StartTime'].astimezone():%Y-%m-%d %H:%M:%S}  {step['Status']}")
    return 0
