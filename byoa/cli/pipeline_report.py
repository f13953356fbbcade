"""`byoa pipeline report`: a page that opens anywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.cli.pipeline_place import add_place
from byoa.plan.errors import UsageError


def add_report(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="where the page goes (PIPELINE.html)"
    )
    parser.add_argument(
        "--family", metavar="GRID", help="one grid's tasks compared, instead of the whole pipeline"
    )
    parser.add_argument("--run", default="", metavar="ID", help="a run (the last one)")
    parser.add_argument(
        "--watch", action="store_true", help="keep the page up to date while a build goes on here"
    )
    add_place(parser, here=True)


def report(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.report import place, put, watch, write

    pipeline, family = loaded(arguments), arguments.family or ""
    away = arguments.on or arguments.sandbox
    if arguments.watch:
        if away or family or arguments.run:
            raise UsageError(
                "--watch is for the build that goes on here; leave the other flags out"
            )
        path = watch(pipeline, arguments.output)
    elif away:
        from byoa.cli.pipeline_aws import opened
        from byoa.pipeline.report_away import gather

        path = place(pipeline, arguments.output, family)
        home, run = opened(arguments)
        put(gather(home, pipeline, run, path.parent), path, family)
    else:
        path = write(pipeline, arguments.output, run=arguments.run, family=family)
    print(arguments.output or path)
    return 0
