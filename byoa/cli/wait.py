"""`byoa wait`: until a job has ended."""

from __future__ import annotations

import argparse

from byoa import results
from byoa.cli.show import emit, say
from byoa.cli.task_place import add_job, find
from byoa.follow import RUNS_ON, watch
from byoa.run import end_of

HELP = "Wait until a job has ended. Exit code 0 when it completed, 1 when it did not."
EXAMPLES = """\
  byoa run -p demo -t first -e train.py --detach && byoa wait -p demo -t first"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    found = find(arguments)
    try:
        described = end_of(watch(found.place, found.run, quiet=True))
    except KeyboardInterrupt:
        say(RUNS_ON)
        return 130
    emit(results.summary(found.place, found.where, found.run, described), arguments)
    return 0
