"""`byoa clean`: what a project left behind, listed, then removed."""

from __future__ import annotations

import argparse
import sys

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit, say

HELP = "list what a project left behind, and remove it"
EXAMPLES = """\
byoa clean -p cells                 list what there is, ask, remove it
byoa clean -p cells --dry-run       only list
byoa clean -p cells --yes           do not ask
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, dry_run=True)
    parser.add_argument("--yes", "-y", action="store_true", help="remove without asking")


def run(arguments: argparse.Namespace) -> int:
    return clean(arguments, everything=False)


def clean(arguments: argparse.Namespace, everything: bool) -> int:
    from byoa.clean import find, remove
    from byoa.place import open_place

    settings = settings_of(arguments)
    project = settings.need_project()
    place = open_place(settings)
    found = find(place, project, everything, getattr(arguments, "delete_data", False))
    emit([{"kind": thing.kind, "name": thing.name} for thing in found.things], arguments)
    for sentence in found.unseen:
        say(f"could not be looked at: {sentence}")
    for sentence in found.kept:
        say(sentence)
    if found.things and not arguments.dry_run and (arguments.yes or agreed(len(found.things))):
        failed = remove(found.things, say)
        for sentence in failed:
            say(sentence)
        return 1 if failed or found.unseen else 0
    return 1 if found.unseen else 0


def agreed(count: int) -> bool:
    """The answer of a person; without one nothing is removed."""
    if not sys.stdin.isatty():
        say("nothing was removed: say --yes")
        return False
    print(f"Remove these {count}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
