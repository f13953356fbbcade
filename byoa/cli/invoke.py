"""`byoa invoke`: a file to an endpoint, its answer to a file or to stdout."""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from byoa.cli import overlay, refusals
from byoa.cli.common import add_common, own_endpoint, settings_of
from byoa.cli.show import emit, say
from byoa.place import Place, open_place
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.settings import Settings

HELP = "send a file to an endpoint"
EXAMPLES = """\
  byoa invoke demo-faces picture.jpg                          what the model says, on stdout
  byoa invoke demo-faces picture.jpg --overlay                picture_overlay.png, and a table
  byoa invoke demo-faces picture.jpg --accept application/x-npy -o labels.npy
  echo '[1, 2]' | byoa invoke demo-faces - --content-type application/json
  byoa invoke demo-faces s3://bucket/big.tiff --async -o answer.json
"""
#: What mimetypes does not know, or not by the names that models use.
TYPES = {".jsonl": "application/jsonlines", ".csv": "text/csv", ".npy": "application/x-npy"}
LARGEST = 25 << 20
PATIENCE = 3700.0
#: An asynchronous request may take an hour, but AWS gives it 15 minutes when nothing is said.
LONGEST = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("endpoint", nargs="?", help="the endpoint's name (PROJECT-TASK of byoa.toml)")
    add("file", help="a file, - for stdin; with --async an address, too")
    add("--content-type", dest="ContentType", help="what the file is (by its suffix)")
    add("--accept", dest="Accept", help="what the answer is to be: application/json, image/png …")
    add("--target-model", dest="TargetModel", help="which of many models: NAME.tar.gz")
    add("--variant", dest="TargetVariant", help="the variant that is to answer")
    add("--inference-id", dest="InferenceId", help="your name of the request, for captured data")
    add("--custom-attributes", dest="CustomAttributes", help="passed on to the model's code")
    add("--output", "-o", type=Path, help="the file that the answer goes to")
    add(
        "--overlay", nargs="?", const="", metavar="OUT.png",
        help="masks, boxes and labels drawn on the picture (PICTURE_overlay.png), and a table;"
        " scores from 0.5, or --custom-attributes score_threshold=0.3",
    )  # fmt: skip
    add("--async", dest="later", action="store_true", help="queue it; -o waits for the answer")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    place = open_place(settings)
    name = arguments.endpoint or own_endpoint(settings, f"byoa invoke NAME {arguments.file}")
    try:
        return ask(arguments, settings, place, name)
    except Exception as error:
        told = refusals.told(error, place, name)
        if told is None:
            raise
        raise told from None


def ask(arguments: argparse.Namespace, settings: Settings, place: Place, name: str) -> int:
    """Sends the request, and gives its answer where the flags say."""
    arguments.ContentType = arguments.ContentType or content_type(arguments.file)
    options = {
        name: value for name, value in vars(arguments).items() if name[0].isupper() and value
    }
    options["EndpointName"] = name
    if arguments.overlay is not None:
        return overlay.invoke(place, options, body_of(arguments.file), arguments)
    if not arguments.later:
        body = body_of(arguments.file)
        answer = place.runtime.invoke_endpoint(**options, Body=body)
        return give(answer["Body"].read(), answer.get("ContentType", ""), arguments.output)
    address = arguments.file
    if "://" not in address:
        folder = f"{place.storage.base}/{settings.project or 'byoa'}/endpoints/{name}/input"
        address = f"{folder}/{uuid.uuid4()}"
        place.storage.write(address, body_of(arguments.file, largest=1 << 30))
    queued = place.runtime.invoke_endpoint_async(
        **options, InputLocation=address, InvocationTimeoutSeconds=LONGEST
    )
    if arguments.output:
        return give(wait(queued, place), "", arguments.output)
    emit({key: value for key, value in queued.items() if key != "ResponseMetadata"}, arguments)
    return 0


def content_type(name: str) -> str:
    import mimetypes

    suffix = Path(name).suffix.lower()
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def body_of(name: str, largest: int = LARGEST) -> bytes:
    """The file's content; UsageError when an endpoint would not take it."""
    if "://" in name:
        raise UsageError(f"{name}: only asynchronous endpoints read addresses. Give --async.")
    try:
        body = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}. Name a file, or - for stdin.") from error
    if len(body) > largest:
        raise UsageError(
            f"{name} has {len(body) >> 20} MB, and the endpoint takes {largest >> 20}. Deploy with"
            " --async and send it with --async, or use `byoa transform`."
        )
    return body


def wait(queued: dict[str, Any], place: Any) -> bytes:
    """The answer of a queued request, an hour at most; ByoaError when it failed."""
    say(f"waiting for {queued['OutputLocation']}")
    pause = 0.2 if place.is_local else 2.0
    for _ in range(int(PATIENCE / pause)):
        for name in {"OutputLocation", "FailureLocation"} & queued.keys():
            try:
                found: bytes = place.storage.read(queued[name])
            except NotFoundError:
                continue
            if name == "OutputLocation":
                return found
            raise ByoaError(f"The request failed: {found[:1024].decode(errors='replace')}")
        time.sleep(pause)
    raise ByoaError(f"There is no answer after {PATIENCE:.0f} s at {queued['OutputLocation']}.")


def give(answer: bytes, kind: str, output: Path | None) -> int:
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(answer)
        say(f"{output}: {len(answer)} bytes{f' of {kind}' if kind else ''}")
        return 0
    text = kind.startswith(("text/", "application/json")) and not answer.endswith(b"\n")
    sys.stdout.buffer.write(answer + b"\n" * text)
    return 0
