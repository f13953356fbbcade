"""`byoa status`: how a job is doing."""

from __future__ import annotations

import argparse
import sys
import time

from byoa import jobs, results
from byoa.cli.show import emit
from byoa.cli.task_place import Found, add_job, find
from byoa.follow import pause_of, step_text

HELP = "How a task's last job, or the job of that name, is doing."
EXAMPLES = """\
  byoa status -p demo -t first
  byoa status -p demo -t first --watch
  byoa status first-20261122-080522-065fba --on process --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", "-w", action="store_true", help="anew until it has ended")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    while True:
        found = find(arguments)
        over = not arguments.watch or jobs.status_of(found.described) in jobs.OVER
        if arguments.watch and sys.stdout.isatty():
            print("\x1b[2J\x1b[H", end="")  # an empty screen, from its top
        if over or not arguments.json:
            show(found, arguments)
        if over:
            return 0
        time.sleep(pause_of(found.place))


def show(found: Found, arguments: argparse.Namespace) -> None:
    data = results.summary(found.place, found.where, found.run, found.described)
    steps = found.described.get("SecondaryStatusTransitions", [])
    emit({**data, "steps": steps} if arguments.json else data, arguments)
    if not arguments.json:
        print("".join(f"  {step_text(step)}\n" for step in steps), end="", flush=True)
