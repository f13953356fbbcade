"""`byoa pipeline scaffold`: a beginning for each source that is not there yet."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from byoa.cli.pipeline_entry import add_entry


def add_scaffold(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be written")


def scaffold(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.entry import beginning
    from byoa.pipeline.scaffold import missing, write

    found = missing(beginning(arguments.entry_point, os.environ, Path.cwd()))
    for new in found:
        if not arguments.dry_run:
            write(new)
        name = os.path.relpath(new.path)
        print(f"{name}: {new.function}" if new.function else name)
    if not found:
        print("Every source is there.")
    return 0
