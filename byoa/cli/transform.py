"""`byoa transform`: predictions for a folder of files, without an endpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.common import settings_of
from byoa.cli.serving import MODEL, TRANSFORM, add_serving, print_requests, wanted
from byoa.cli.show import emit, say
from byoa.progress import bar

HELP = "predictions for a folder of files, without an endpoint"
EXAMPLES = """\
  byoa transform -p demo -t faces --data ./pictures --content-type image/jpeg -o ./predictions
  byoa transform -p demo -t churn --data s3://bucket/rows.csv --content-type text/csv \\
      --split Line --assemble Line --strategy MultiRecord --ic 4
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, help="a folder, a file, or an address")
    parser.add_argument("--output_path", "-o", type=Path, help="a folder for the predictions")
    add_serving(parser, MODEL, TRANSFORM)


def run(arguments: argparse.Namespace) -> int:
    from byoa.place import open_place
    from byoa.transform import plan, transform

    settings = settings_of(arguments)
    place = open_place(settings)
    given, how = wanted(arguments, MODEL, TRANSFORM)
    steps = plan(place, settings, arguments.data, dry=arguments.dry_run, **given)
    if arguments.dry_run:
        return print_requests(steps)
    found = transform(place, steps, **how)
    address = found["TransformOutput"]["S3OutputPath"]
    if arguments.output_path and how.get("wait", True):
        with bar("fetching the predictions") as shown_bar:
            written = place.storage.download(
                f"{address.rstrip('/')}/", arguments.output_path, shown_bar
            )
        say(f"{len(written)} files in {arguments.output_path}")
    shown = {name: found[name] for name in ("TransformJobName", "TransformJobStatus")}
    emit(found if arguments.json else {**shown, "Output": address}, arguments)
    return 0
