"""`byoa undeploy`: an endpoint and what was made for it, deleted."""

from __future__ import annotations

import argparse

from byoa.cli.common import add_common, settings_of
from byoa.cli.serving import requests_of
from byoa.cli.show import emit

HELP = "delete an endpoint, then the configurations and models that were made for it"
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

    steps = undeploy(open_place(settings_of(arguments)), arguments.endpoint, arguments.dry_run)
    arguments.json = arguments.json or arguments.dry_run
    plain = [{"deleted": step[1][7:], "name": name} for step in steps for name in step[2].values()]
    emit(requests_of(steps) if arguments.json else plain, arguments)
    return 0
