"""The flags that choose tasks, the same for plan, build and submit."""

from __future__ import annotations

import argparse
import re
from typing import Any

from byoa.plan.pipeline.selection import Selection


def add_selection(parser: argparse.ArgumentParser) -> None:
    """--only, --until, --downstream, --skip-upstream, --force: names or patterns like fit-*."""
    group = parser.add_argument_group("Which tasks", "A name, a grid's name or a pattern: 'fit-*'.")
    many: dict[str, Any] = {"action": "append", "default": [], "metavar": "TASK", "nargs": "+"}
    group.add_argument("--until", "--partially", "-p", help="these and all that they need", **many)
    group.add_argument("--only", help="these alone", **many)
    group.add_argument(
        "--downstream", help="these, all that depends on them, and what those need", **many
    )
    group.add_argument(
        "--skip-upstream", "-su", action="store_true", help="what they need is taken as it is"
    )
    group.add_argument(
        "--force",
        "-f",
        action="append",
        default=[],
        metavar="TASK",
        nargs="*",
        help="run these though they are up to date (without a name: all)",
    )


def selection_of(arguments: argparse.Namespace) -> Selection:
    return Selection(
        only=names(arguments.only),
        until=names(arguments.until),
        downstream=names(arguments.downstream),
        skip_upstream=arguments.skip_upstream,
        force=names([given or ["*"] for given in arguments.force]),
    )


def names(given: list[list[str]]) -> tuple[str, ...]:
    """The names of a flag that may come several times; commas part them too."""
    found = (name for words in given for word in words for name in re.split(r",\s*", word))
    return tuple(dict.fromkeys(name for name in found if name))
