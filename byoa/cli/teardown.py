"""`byoa teardown`: everything of a project: stack, role, bucket, images; data when told."""

from __future__ import annotations

import argparse

from byoa.cli.clean import add_arguments as add_clean
from byoa.cli.clean import clean

HELP = "remove everything of a project"
EXAMPLES = """\
byoa teardown -p cells --dry-run        list: what `clean` lists, stack, images, role, bucket
byoa teardown -p cells                  list, ask, remove; a stack's data is kept, and told
byoa teardown -p cells --delete-data    that too, with all its versions: nobody can bring it back
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_clean(parser)
    parser.add_argument(
        "--delete-data", action="store_true",
        help="remove the stack's bucket and repository with all that is in them",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    return clean(arguments, everything=True)
