"""`byoa report`: the page that a training job left, here."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from byoa import results
from byoa.cli.show import say
from byoa.cli.task_place import add_job, find

HELP = "Bring the report of a job's training here, and say where it is."
EXAMPLES = """\
  byoa report -p demo -t faces                  faces-report.html
  byoa report -p demo -t faces -o faces.html --open
  byoa report faces-20261122-080522-065fba --on process"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="where it goes (TASK-report.html)"
    )
    parser.add_argument("--open", action="store_true", help="show it in the browser, too")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    found = find(arguments)
    path = arguments.output or Path(f"{found.where.name}-report.html")
    results.report(found.place, found.where, found.run, path)
    print(path)
    if arguments.open and not webbrowser.open(path.absolute().as_uri()):
        say(f"No browser could be started. Open it yourself: {path.absolute()}")
    return 0
