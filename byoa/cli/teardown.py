"""`byoa teardown`: everything of a project, the bucket, the role and the images included."""

from __future__ import annotations

import argparse

from byoa.cli.clean import add_arguments as add_arguments  # noqa: PLC0414 - main looks for it here
from byoa.cli.clean import clean

HELP = "remove everything of a project"
EXAMPLES = """\
byoa teardown -p cells --dry-run    list: what `clean` lists, images, role, bucket
byoa teardown -p cells              list, ask, remove
"""


def run(arguments: argparse.Namespace) -> int:
    return clean(arguments, everything=True)
