"""`byoa undeploy`: an endpoint and what was made for it, deleted."""

from __future__ import annotations

import argparse

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit

HELP = "delete an endpoint, then the configurations and models that were made for it"
EXAMPLES = """\
  byoa undeploy demo-faces
  byoa undeploy demo-faces --dry-run        what would be deleted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, dry_run=True)
    parser.add_argument("endpoint", help="the endpoint's name")


def run(arguments: argparse.Namespace) -> int:
    from byoa.deploy import undeploy
    from byoa.place import open_place

    place = open_place(settings_of(arguments))
    steps = undeploy(arguments.endpoint, place, arguments.dry_run)
    if arguments.dry_run or arguments.json:
        arguments.json = True
        emit([{f"{service}.{method}": request} for service, method, request in steps], arguments)
    else:
        emit({method: ", ".join(request.values()) for _, method, request in steps}, arguments)
    return 0
