"""`byoa logs`: what a job said, of all its hosts."""

from __future__ import annotations

import argparse
import json
import sys

from byoa import jobs
from byoa.aws import endpoints
from byoa.aws import logs as cloudwatch
from byoa.cli.common import settings_of
from byoa.cli.show import plain, say
from byoa.cli.task_place import add_job, find
from byoa.follow import RUNS_ON, Watch, line_text, pause_of
from byoa.place import open_place
from byoa.plan.errors import NotFoundError
from byoa.screen import has_colours

HELP = "A job's or an endpoint's lines, of all hosts, by time; -f as they are written."
EXAMPLES = """\
  byoa logs -p demo -t first -f
  byoa logs first-20261122-080522-065fba --host algo-2 --on process
  byoa logs demo-faces -f                       an endpoint's"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", "-f", action="store_true", help="until the job has ended")
    parser.add_argument(
        "--no-color", action="store_true", help="as in a file (NO_COLOR in the environment, too)"
    )
    parser.add_argument("--host", help="of this host only, such as algo-1")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    try:
        return tell(arguments)
    except KeyboardInterrupt:
        say(RUNS_ON)
        return 130


def tell(arguments: argparse.Namespace) -> int:
    try:
        found = find(arguments)
    except NotFoundError:
        if arguments.job and of_endpoint(arguments):
            return 0
        raise
    watch = Watch(found.place, found.run)
    for line in watch.lines(pause_of(found.place), arguments.follow):
        if arguments.host and line.host != arguments.host:
            continue
        told(line, arguments)
    return 0 if jobs.status_of(watch.described or found.described) != "Failed" else 1


def of_endpoint(arguments: argparse.Namespace) -> bool:
    """What an endpoint of this name says, or has said: its log outlives it."""
    place = open_place(settings_of(arguments))
    group = endpoints.GROUP + arguments.job
    on = bool(arguments.follow and endpoints.describe(place.sagemaker, arguments.job))
    said = False
    for line in cloudwatch.follow(place.logs, group, "", lambda: not on, pause=pause_of(place)):
        told(line, arguments)
        said = True
    return said


def told(line: cloudwatch.Line, arguments: argparse.Namespace) -> None:
    coloured = has_colours(sys.stdout) and not arguments.no_color
    as_json = arguments.json
    text = json.dumps(line._asdict(), default=plain) if as_json else line_text(line, coloured)
    sys.stdout.write(f"{text}\n")  # at once: Ctrl-C must not come between a line and its end
    if arguments.follow:
        sys.stdout.flush()
