"""`byoa invoke --overlay`: a picture with what was found drawn on it, and a table of that.

One request: the model draws, and its PNG carries the list of what it drew as text.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from byoa import files
from byoa.cli.refusals import said
from byoa.cli.show import emit, say
from byoa.place import Place
from byoa.plan.errors import ByoaError, UsageError

PNG = "image/png"
#: A picture of every guess shows nothing; as the playground page, unless the user asks otherwise.
SURE = {"CustomAttributes": "score_threshold=0.5"}
START = b"\x89PNG\r\n\x1a\n"
#: The PNG's text that holds the detections, as JSON.
KEY = b"detections"


def invoke(place: Place, options: dict[str, Any], body: bytes, given: argparse.Namespace) -> int:
    """Writes the picture, prints the table; a sentence when this model draws no pictures."""
    output = output_of(given)
    try:
        answer = place.runtime.invoke_endpoint(**{**SURE, **options, "Accept": PNG}, Body=body)
    except Exception as error:
        status = getattr(error, "response", {}).get("OriginalStatusCode")
        if status not in (406, 415):
            raise
        raise ByoaError(cannot(options, f"it answered {status}: {said(error)}")) from None
    data, kind = answer["Body"].read(), answer.get("ContentType", "")
    if not data.startswith(START):
        raise ByoaError(cannot(options, f"asked for {PNG} it answered {kind or 'something else'}"))
    output.parent.mkdir(parents=True, exist_ok=True)
    files.replace(output, data)
    found = detections(data)
    if found is not None:
        show(found, given)
    else:
        say("The picture holds no list of what is drawn: leave --overlay out for it.")
    say(f"The picture with what was found: {output}")
    return 0


def output_of(given: argparse.Namespace) -> Path:
    """Where the picture goes: as --overlay says, else PICTURE_overlay.png here."""
    if given.later or given.output or given.Accept not in (None, PNG):
        raise UsageError("--overlay OUT.png is the answer: leave --async, --output and --accept.")
    name = "overlay.png" if given.file == "-" else f"{Path(given.file).stem}_overlay.png"
    output = Path(given.overlay or name)
    if output.suffix.lower() != ".png":
        raise UsageError(f"--overlay {output}: the picture is a PNG. Name it so, behind FILE.")
    if given.file != "-" and output.absolute() == Path(given.file).absolute():
        raise UsageError(f"--overlay {output} is the picture itself. Name another.")
    return output


def cannot(options: dict[str, Any], why: str) -> str:
    return (
        f"The model of {options['EndpointName']} draws no picture for {options['ContentType']}:"
        f" {why}. Leave --overlay out for what it found."
    )


def detections(data: bytes) -> list[dict[str, Any]] | None:
    """What the PNG's text says that was found; None when it says nothing."""
    for text in texts(data):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            return found
    return None


def texts(data: bytes) -> Iterator[str]:
    """The iTXt chunks of that key (https://www.w3.org/TR/png/#11iTXt)."""
    at = len(START)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        key, _, rest = chunk.partition(b"\0")
        if kind == b"iTXt" and key == KEY and len(rest) > 2:
            text = rest[2:].split(b"\0", 2)[-1]
            try:
                yield (zlib.decompress(text) if rest[0] else text).decode()
            except (zlib.error, UnicodeDecodeError):
                pass
        at += 12 + length


def show(found: list[dict[str, Any]], given: argparse.Namespace) -> None:
    """class, score, x, y, width, height; the best one first, as the model gives them."""
    if given.json:
        emit(found, given)
        return
    names = [str(one.get("category_name", "?")) for one in found]
    wide = max(8, *(len(name) for name in names)) + 2 if names else 10
    print(f"{'class':<{wide}}{'score':>5}   x, y, width, height")
    for name, one in zip(names, found):
        box = ", ".join(f"{value:.0f}" for value in one.get("bbox", ()))
        print(f"{name:<{wide}}{one.get('score', 0.0):>5.2f}   {box}")
    if not found:
        say("Nothing was found.")
