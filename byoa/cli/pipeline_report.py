"""`byoa pipeline report`: a page that opens anywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.pipeline_entry import add_entry, loaded


def add_report(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="where the page goes (PIPELINE.html)"
    )
    parser.add_argument(
        "--family", metavar="GRID", help="one grid's tasks compared, instead of the whole pipeline"
    )
    parser.add_argument("--run", default="", metavar="ID", help="a run (the last one)")


def report(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.report import write

    pipeline = loaded(arguments)
    path = write(pipeline, arguments.output, run=arguments.run, family=arguments.family or "")
    print(path)
    return 0
