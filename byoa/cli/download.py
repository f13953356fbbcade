"""`byoa download`: what a job made, unpacked."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa import results
from byoa.cli.show import emit
from byoa.cli.task_place import add_job, find

HELP = "Bring a job's logs, model, output and state here; archives are unpacked."
EXAMPLES = """\
  byoa download -p demo -t first -o ./out
  byoa download first-20261122-080522-065fba --part model -o ./out --on process"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--part", nargs="+", choices=results.PARTS, default=results.PARTS, help="of these only"
    )
    parser.add_argument("--output_path", "-o", type=Path, default=Path(), metavar="OUT")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    found = find(arguments)
    wanted = results.Wanted(arguments.output_path, arguments.part)
    emit(results.download(found.place, found.where, found.run, wanted), arguments)
    return 0
