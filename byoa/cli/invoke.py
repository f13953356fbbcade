"""`byoa invoke`: a file to an endpoint, its answer to a file or to stdout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit, say

HELP = "send a file to an endpoint"
EXAMPLES = """\
  byoa invoke demo-faces picture.jpg                          what the model says, on stdout
  byoa invoke demo-faces picture.jpg --accept image/png -o overlay.png
  echo '[1, 2]' | byoa invoke demo-faces - --content-type application/json
  byoa invoke demo-faces s3://bucket/big.tiff --async -o answer.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    add = parser.add_argument
    add("endpoint", help="the endpoint's name")
    add("file", help="a file, - for stdin; with --async an address, too")
    add("--content-type", help="what the file is (by its suffix)")
    add("--accept", default="", help="what the answer is to be: application/json, image/png …")
    add("--output", "-o", type=Path, help="the file that the answer goes to")
    add("--async", dest="later", action="store_true", help="queue it; -o waits for the answer")
    add("--variant", help="the variant that is to answer")
    add("--inference-id", help="your name of the request, kept with captured data")
    add("--custom-attributes", help="passed on to the model's code")


def run(arguments: argparse.Namespace) -> int:
    from byoa.invoke import Question, ask, ask_later, content_type, wait
    from byoa.place import open_place
    from byoa.plan.errors import UsageError

    settings = settings_of(arguments)
    address = arguments.file if "://" in arguments.file else ""
    if address and not arguments.later:
        raise UsageError(f"{address} is an address: only asynchronous endpoints read those. Give"
                         " --async, or download it first.")  # fmt: skip
    options = {
        "InferenceId": arguments.inference_id,
        "CustomAttributes": arguments.custom_attributes,
    }
    question = Question(
        endpoint=arguments.endpoint,
        body=b"" if address else body_of(arguments.file),
        content_type=arguments.content_type or content_type(arguments.file),
        accept=arguments.accept,
        options={**options, **({} if arguments.later else {"TargetVariant": arguments.variant})},
    )
    place = open_place(settings)
    if not arguments.later:
        return give(*ask(question, place), arguments.output)
    queued = ask_later(question, place, settings.project or "byoa", address)
    if arguments.output:
        return give(wait(queued, place), "", arguments.output)
    emit(queued, arguments)
    return 0


def body_of(name: str) -> bytes:
    from byoa.plan.errors import UsageError

    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}. Name a file, or - for stdin.") from error


def give(answer: bytes, kind: str, output: Path | None) -> int:
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(answer)
        say(f"{output}: {len(answer)} bytes{f' of {kind}' if kind else ''}")
        return 0
    sys.stdout.buffer.write(answer)
    if sys.stdout.isatty() and not answer.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    return 0
