"""`byoa transform`: predictions for a folder of files, without an endpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit, say

HELP = "predictions for a folder of files, without an endpoint"
EXAMPLES = """\
  byoa transform -p demo -t faces --data ./pictures --content-type image/jpeg -o ./predictions
  byoa transform -p demo -t churn --data s3://bucket/rows.csv --content-type text/csv \\
      --split Line --assemble Line --strategy MultiRecord --ic 4
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from byoa.cli.serving import add_model

    add_common(parser, dry_run=True)
    add_model(parser)
    add = parser.add_argument_group("Job").add_argument
    add("--data", required=True, help="a folder, a file, or an address")
    add("--output", "-o", type=Path, help="a folder here that the predictions go to")
    add("--output-address", default="", help="where they go in the storage (the job's folder)")
    add("--manifest", action="store_true", help="--data is a manifest file")
    add("--content-type", help="of the files (image/jpeg, text/csv …)")
    add("--accept", help="what the predictions are to be")
    add("--split", choices=("None", "Line", "RecordIO", "TFRecord"), help="files into records")
    add("--assemble", choices=("None", "Line"), help="how records' answers become one file")
    add("--strategy", choices=("SingleRecord", "MultiRecord"), help="records in a request")
    add("--compression", choices=("None", "Gzip"), help="of the files")
    add("--join", action="store_true", help="each record with its prediction beside it")
    add("--payload", type=int, metavar="MB", help="largest request")
    add("--concurrent", type=int, metavar="N", help="requests at once in a machine")
    add("--timeout", type=int, metavar="SECONDS", help="of a request (600)")
    add("--retries", type=int, metavar="N", help="of a request (3)")
    add("--instance_type", "--it", help="the machine (ml.m5.large)")
    add("--instance_count", "--ic", type=int, default=1, help="how many")
    add("--no-wait", action="store_true", help="do not wait for the end")


def run(arguments: argparse.Namespace) -> int:
    from byoa.cli.serving import batch, model_of
    from byoa.place import open_place
    from byoa.transform import prepare, transform

    settings = settings_of(arguments)
    place = open_place(settings)
    facts, model = model_of(arguments, settings, place)
    steps = prepare(batch(arguments, settings, model), place, facts, arguments.dry_run)
    if arguments.dry_run:
        arguments.json = True
        emit([{f"{service}.{method}": request} for service, method, request in steps], arguments)
        return 0
    found = transform(steps, place, keep=arguments.keep, wait=not arguments.no_wait)
    address = found["TransformOutput"]["S3OutputPath"]
    if arguments.output and not arguments.no_wait:
        written = place.storage.download(f"{address.rstrip('/')}/", arguments.output)
        say(f"{len(written)} files in {arguments.output}")
    names = ("TransformJobName", "TransformJobStatus")
    shown = {**{name: found[name] for name in names}, "Output": address}
    emit(found if arguments.json else shown, arguments)
    return 0
