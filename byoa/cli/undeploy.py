"""`byoa undeploy`: an endpoint and what was made for it, deleted."""

from __future__ import annotations

import argparse

from byoa.cli.common import add_common, own_endpoint, settings_of
from byoa.cli.show import emit

HELP = "delete an endpoint and all that was made for it"
EXAMPLES = """\
  byoa undeploy                             that of byoa.toml's task
  byoa undeploy demo-faces
  byoa undeploy demo-faces --dry-run        what would be deleted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "endpoint", nargs="?", help="the endpoint's name (PROJECT-TASK of byoa.toml)"
    )
    add_common(parser, dry_run=True)


def run(arguments: argparse.Namespace) -> int:
    from byoa.deploy import undeploy
    from byoa.place import open_place

    settings = settings_of(arguments)
    place = open_place(settings)
    name = arguments.endpoint or own_endpoint(settings, "byoa undeploy NAME")
    emit(undeploy(place, name, arguments.dry_run), arguments)
    return 0
