"""A request's body as pictures, whatever it came as; every limit is checked before memory is taken.

A request may hold several pictures (JSON instances, JSON lines). With one, a picture that cannot
be used is the request's error; with several it is that picture's alone: its place in the answer
says why, and the others are answered. A Batch Transform job of many records a request would
otherwise lose a whole object to one bad line.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from pictures import PictureError, decode_picture
from pixels import npy_pixels, pixels_of_list, pixels_of_text
from response import JSON, JSON_LINES, NPY, Answer, RequestError

_ALIASES = {
    "application/jsonl": JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    "application/x-numpy": NPY,
    "text/json": JSON,
}
_PICTURES = re.compile(r"image/(jpe?g|pjpeg|png|webp|(x-ms-)?bmp|tiff?|gif|\*)")
_STATUS = {"empty": 400, "broken": 400, "unsupported": 400, "too_large": 413}
_DATA_URI = re.compile(r"data:[\w/+.;=-]{0,100};base64,")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold. JSON costs many times its length once it is Python's lists."""

    pixels: int = 64_000_000
    pictures: int = 1000
    jpeg_scans: int = 100
    json_lists: int = 2_500_000  # a full-HD picture has 2.1 million
    json_values: int = 16_000_000

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Limits:
        """BYOA_MAX_PIXELS changes how many pixels a request's pictures may have together."""
        text = environ.get("BYOA_MAX_PIXELS", "").strip()
        if not text:
            return cls()
        if not re.fullmatch("[0-9]{1,12}", text) or not int(text):
            raise ValueError(f"BYOA_MAX_PIXELS={text!r} is not a whole number - set it to pixels")
        return cls(pixels=int(text))


def read_pictures(
    body: bytes, content_type: str, limits: Limits, *, one: bool = True
) -> list[Answer]:
    """The pictures of a request, in order, as answers that nothing was found in yet.

    With `one` off the error of an only picture is in its place, too.
    """
    if not body:
        raise RequestError(400, "empty_body", "the body is empty - send a picture")
    reader = _Reader(limits)
    kind = content_type.partition(";")[0].strip().lower()
    answers = reader.read(body, _ALIASES.get(kind, kind))
    if one and len(answers) == 1 and answers[0].error is not None:
        raise answers[0].error
    return answers


@dataclass
class _Reader:
    """Reads one request; what is left of its limits goes down with every picture."""

    limits: Limits
    pixels: int = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = self.limits.pixels

    def read(self, body: bytes, kind: str) -> list[Answer]:
        """The pictures of a body of one kind."""
        if kind == JSON:
            return self._json(body)
        if kind == JSON_LINES:
            return self._json_lines(body)
        if kind == NPY or (kind in ("", "application/octet-stream") and body[:6] == b"\x93NUMPY"):
            return [self._answer(1, lambda: npy_pixels(body, self.pixels))]
        if kind in ("", "application/octet-stream") or _PICTURES.fullmatch(kind):
            return [self._answer(1, lambda: self._decoded(body))]
        raise RequestError(
            415,
            "unsupported_content_type",
            f"cannot read {kind[:100]!r} - send Content-Type image/jpeg, image/png, image/webp, "
            "image/bmp, image/tiff, application/octet-stream, application/x-npy, "
            "application/json or application/jsonlines",
        )

    def _json(self, body: bytes) -> list[Answer]:
        pixels = pixels_of_text(body, self.pixels)
        if pixels is not None:
            return [self._answer(1, lambda: pixels)]
        value = self._parsed(body)
        if isinstance(value, list):
            return [self._answer(1, lambda: pixels_of_list(value, self.pixels))]
        if not isinstance(value, dict) or "instances" not in value:
            raise _bad_json("the JSON has no instances")
        unknown = sorted(value.keys() - {"instances"})
        if unknown:
            raise _bad_json(
                f"unknown key {unknown[0][:60]!r} (options go in the query or a header)"
            )
        instances = value["instances"]
        if not isinstance(instances, list) or not instances:
            raise _bad_json("instances is not a list with at least one picture")
        return self._instances(instances, lambda instance: instance)

    def _json_lines(self, body: bytes) -> list[Answer]:
        lines = [line for line in body.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
        if not lines:
            raise RequestError(400, "empty_body", "there is no line - send one picture a line")
        return self._instances(lines, self._parsed)

    def _instances(self, raw: Iterable[Any], parsed: Callable[[Any], Any]) -> list[Answer]:
        entries = list(raw)
        if len(entries) > self.limits.pictures:
            raise RequestError(
                413,
                "too_many_pictures",
                f"{len(entries)} pictures are more than the {self.limits.pictures} that a request "
                "may hold - send several requests",
            )
        return [
            self._answer(number, lambda entry=entry: self._instance(parsed(entry)))  # type: ignore[misc]
            for number, entry in enumerate(entries, start=1)
        ]

    def _instance(self, instance: Any) -> NDArray[Any]:
        if isinstance(instance, list):
            return pixels_of_list(instance, self.pixels)
        text = instance.get("b64") if isinstance(instance, dict) else None
        if not isinstance(text, str):
            raise _bad_json("an instance is neither an object with b64 nor a list of pixels")
        try:
            plain = "".join(_DATA_URI.sub("", text, count=1).split())
            data = base64.b64decode(plain, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RequestError(
                400, "bad_base64", f"b64 is not base64 ({error}) - encode the picture file's bytes"
            ) from None
        return self._decoded(data)

    def _decoded(self, data: bytes) -> NDArray[Any]:
        # A scan of a few bytes is a pass over the whole picture: thousands of them hold a worker
        # for an hour. Cameras and tools write ten or so.
        if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > self.limits.jpeg_scans:
            raise PictureError("is a JPEG of too many scans", "too_large")
        return decode_picture(data, self.pixels)

    def _parsed(self, text: bytes) -> Any:
        lists = text.count(b"[") + text.count(b"{")
        if lists > self.limits.json_lists or text.count(b",") > self.limits.json_values:
            raise RequestError(
                413,
                "too_large",
                "so many numbers are too much as JSON - send the picture file as it is "
                "(image/jpeg, image/png), in b64, or as application/x-npy",
            )
        try:
            return json.loads(text)
        except RecursionError:
            raise _bad_json("the JSON is nested too deeply") from None
        except ValueError as error:
            raise _bad_json(f"the body is not JSON ({str(error)[:100]})") from None

    def _answer(self, number: int, decode: Callable[[], NDArray[Any]]) -> Answer:
        try:
            image = decode()
        except PictureError as error:
            status = _STATUS.get(error.code, 400)
            code = "too_large" if status == 413 else f"{error.code}_image"
            said = f"the picture {error.message} - {_advice(status)}"
            return Answer(number, error=RequestError(status, code, said))
        except RequestError as error:
            return Answer(number, error=error)
        self.pixels -= image.shape[0] * image.shape[1]
        return Answer(number, image)


def _bad_json(what: str) -> RequestError:
    return RequestError(
        400,
        "bad_json",
        f'{what} - send {{"instances": [{{"b64": "…"}}]}} with picture files in base64, or one '
        "picture as a list [height][width][3] of numbers from 0 to 255",
    )


def _advice(status: int) -> str:
    if status == 413:
        return "send it smaller"
    return "send a JPEG, PNG, WebP, BMP or TIFF file, whole"
