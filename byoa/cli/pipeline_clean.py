"""`byoa pipeline clean`: old runs, leftovers and, when asked, products."""

from __future__ import annotations

import argparse
import os

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.plan.pipeline.selection import named


def add_clean(parser: argparse.ArgumentParser) -> None:
    from byoa.cli import pipeline_aws

    add_entry(parser)
    pipeline_aws.add_clean(parser)
    parser.add_argument(
        "--runs", type=int, default=1, metavar="N", help="keep so many of the newest runs (1)"
    )
    parser.add_argument(
        "--products",
        nargs="*",
        action="append",
        metavar="TASK",
        help="also what these tasks made, as far as nobody changed it (without a name: all)",
    )
    parser.add_argument(
        "--vanished", action="store_true", help="also what tasks made that are gone"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")


def clean(arguments: argparse.Namespace) -> int:
    if arguments.on or arguments.sandbox:
        from byoa.cli import pipeline_aws

        return pipeline_aws.clean(arguments)
    from byoa.pipeline.cleaning import Wish, found, remove
    from byoa.pipeline.lock import alone
    from byoa.pipeline.state import folder_of

    pipeline = loaded(arguments)
    groups = arguments.products or []
    patterns = [name for group in groups for name in group or ["*"]]
    wish = Wish(
        keep_runs=max(0, arguments.runs),
        products=frozenset(named(pipeline, patterns)),
        vanished=arguments.vanished,
    )
    with alone(folder_of(pipeline), wait=False):
        removals, kept = found(pipeline, wish)
        for one in removals:
            whose = f" of {one.task}" if one.task else ""
            print(f"{os.path.relpath(one.path, pipeline.root)}  ({one.what}{whose})")
        if not arguments.dry_run:
            remove(removals)
    print("\n".join([*kept, count(len(removals), arguments.dry_run)]))
    return 0


def count(number: int, dry_run: bool) -> str:
    if not number:
        return "There is nothing to remove."
    return f"{number} would be removed." if dry_run else f"{number} removed."
