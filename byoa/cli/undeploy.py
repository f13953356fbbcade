"""`byoa undeploy`: an endpoint and what was made for it, deleted."""

from __future__ import annotations

import argparse

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit

HELP = "delete an endpoint and all that was made for it"
EXAMPLES = """\
  byoa undeploy demo-faces
  byoa undeploy demo-faces --dry-run        what would be deleted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", help="the endpoint's name")
    add_common(parser, dry_run=True)


def run(arguments: argparse.Namespace) -> int:
    from byoa.deploy import undeploy
    from byoa.place import open_place

    place = open_place(settings_of(arguments))
    emit(undeploy(place, arguments.endpoint, arguments.dry_run), arguments)
    return 0
