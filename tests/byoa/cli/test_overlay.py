from __future__ import annotations

import argparse
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from byoa.cli import overlay
from byoa.cli.invoke import add_arguments
from byoa.place import Place
from byoa.plan.errors import ByoaError, ServiceError, UsageError

FOUND = [
    {"category_name": "circle", "score": 0.987654, "bbox": [1.2, 2.6, 30.0, 40.0]},
    {"category_name": "ein Dreieck", "score": 0.5, "bbox": [5, 6, 7, 8]},
]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*texts: bytes) -> bytes:
    return overlay.START + b"".join((*(chunk(b"iTXt", one) for one in texts), chunk(b"IEND", b"")))


def itxt(text: str, packed: bool = True, key: str = "detections") -> bytes:
    data = zlib.compress(text.encode()) if packed else text.encode()
    return key.encode() + b"\0" + bytes([packed, 0]) + b"de\0\0" + data


class Runtime:
    """An endpoint that gives one answer, or refuses; what it was asked for stays."""

    def __init__(self, answer: bytes | Exception, kind: str = "image/png") -> None:
        self.answer, self.kind, self.asked = answer, kind, []  # type: ignore[var-annotated]

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Body": io.BytesIO(self.answer), "ContentType": self.kind}


def ask(runtime: Runtime, *words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args(["faces", "in/picture.jpg", *words])
    place = Place("process", None, None, runtime, None)  # type: ignore[arg-type]
    return overlay.invoke(
        place, {"EndpointName": "faces", "ContentType": "image/jpeg"}, b"jpeg", given
    )


def refusal(status: int, body: str) -> ServiceError:
    error = ServiceError("ModelError", f"Received client error ({status}) from primary", "Invoke")
    error.response.update({"OriginalStatusCode": status, "OriginalMessage": body})
    return error


def test_one_request_gives_the_picture_and_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    data = png(itxt("other", key="Comment"), itxt(json.dumps(FOUND)))
    runtime = Runtime(data)
    assert ask(runtime, "--overlay") == 0
    (asked,) = runtime.asked
    assert (asked["Accept"], asked["Body"]) == ("image/png", b"jpeg")
    assert asked["CustomAttributes"] == "score_threshold=0.5", "not every guess"
    assert (tmp_path / "picture_overlay.png").read_bytes() == data
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "class        score   x, y, width, height",
        "circle        0.99   1, 3, 30, 40",
        "ein Dreieck   0.50   5, 6, 7, 8",
    ]
    assert said.err == "The picture with what was found: picture_overlay.png\n"
    assert ask(runtime, "--overlay", "new/out.png", "--json") == 0
    assert json.loads(capsys.readouterr().out) == FOUND
    assert (tmp_path / "new" / "out.png").read_bytes() == data


def test_nothing_found_and_a_picture_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert ask(Runtime(png(itxt("[]", packed=False))), "--overlay") == 0
    assert "Nothing was found" in capsys.readouterr().err
    for odd in (png(), png(itxt("no json")), png(itxt("{}")), png(b"detections\0\1\0\0\0no zip")):
        assert ask(Runtime(odd), "--overlay") == 0
        said = capsys.readouterr()
        assert "holds no list" in said.err and said.out == ""


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (406, '{"error": {"code": "not_acceptable", "message": "accept text/csv."}}',
         "it answered 406: accept text/csv."),
        (415, "send text/csv", "it answered 415: send text/csv."),
        (415, '{"error": "odd"}', "it answered 415: odd."),
    ],
)  # fmt: skip
def test_a_model_that_draws_nothing_is_a_sentence(status: int, body: str, told: str):
    with pytest.raises(ByoaError, match="faces draws no picture for image/jpeg") as error:
        ask(Runtime(refusal(status, body)), "--overlay")
    assert told in str(error.value) and "Leave --overlay out" in str(error.value)


def test_a_model_that_answers_something_else_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ByoaError, match="asked for image/png it answered application/json"):
        ask(Runtime(b"{}", "application/json"), "--overlay")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_are_the_endpoints_own():
    with pytest.raises(ServiceError):
        ask(Runtime(refusal(500, "boom")), "--overlay")


@pytest.mark.parametrize(
    "words",
    [
        ("--overlay", "out.jpg"), ("--overlay", "--output", "x.png"), ("--overlay", "--async"),
        ("--overlay", "--accept", "application/json"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_before_anything_is_sent(words: tuple[str, ...]):
    runtime = Runtime(png())
    with pytest.raises(UsageError):
        ask(runtime, *words)
    assert runtime.asked == []


def test_the_picture_itself_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    given = argparse.Namespace(
        overlay="a.png", file=str(tmp_path / "a.png"), later=False, output=None, Accept=None
    )
    with pytest.raises(UsageError, match="is the picture itself"):
        overlay.output_of(given)
