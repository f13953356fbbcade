"""Bodies that clients send: good ones, and a table of what they get wrong."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(height: int = 48, width: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def file_of(array: Any, kind: str = "PNG", **options: Any) -> bytes:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def npy_of(array: NDArray[Any], version: tuple[int, int] = (1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=True)
    return buffer.getvalue()


def npy_header(text: str, data: bytes = b"") -> bytes:
    """An .npy file with any header at all."""
    header = text.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def instances(*entries: Any) -> bytes:
    return json.dumps({"instances": list(entries)}).encode()


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any number of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg_of_scans(number: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each is a pass over all pixels."""
    data = file_of(Image.new("L", (64, 64), 128), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * number + data[-2:]


JPEG = file_of(pixels(), "JPEG")
PNG = file_of(pixels())


@dataclass(frozen=True)
class Case:
    """A request that must be refused, and how."""

    name: str
    status: int
    code: str
    body: bytes = JPEG
    content_type: str = "image/jpeg"
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def _bodies() -> list[Case]:
    grey = np.zeros((4, 5), np.uint8)
    image, octets, npy = "image/jpeg", "application/octet-stream", "application/x-npy"
    return [
        Case("empty body", 400, "empty_body", b""),
        Case("empty octets", 400, "empty_body", b"", octets),
        Case("text as a picture", 400, "unsupported_image", b"hello", image),
        Case("html as a picture", 400, "unsupported_image", b"<html></html>", "image/png"),
        Case("a pdf", 400, "unsupported_image", b"%PDF-1.7\n" + bytes(200), octets),
        Case("random octets", 400, "unsupported_image", bytes(range(32, 250)), octets),
        Case("zeros", 400, "unsupported_image", bytes(1000), octets),
        Case("truncated jpeg", 400, "broken_image", JPEG[: len(JPEG) // 2]),
        Case("jpeg header only", 400, "broken_image", JPEG[:20]),
        Case("truncated png", 400, "broken_image", PNG[: len(PNG) // 2], "image/png"),
        Case("png signature only", 400, "broken_image", PNG[:8], "image/png"),
        Case("truncated webp", 400, "broken_image", file_of(pixels(), "WEBP")[:60], "image/webp"),
        Case("truncated bmp", 400, "broken_image", file_of(pixels(), "BMP")[:400], "image/bmp"),
        Case("truncated tiff", 400, "broken_image", file_of(pixels(), "TIFF")[:300], "image/tiff"),
        Case("png with a wrong checksum", 400, "broken_image", PNG[:29] + b"\0\0\0\0" + PNG[33:]),
        Case("svg", 400, "unsupported_image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", octets),
        Case("decompression bomb", 413, "too_large", png_bomb(30_000, 30_000), "image/png"),
        Case("bomb of one line", 413, "too_large", png_bomb(100_000_000, 1), "image/png"),
        Case("bomb in base64", 413, "too_large", instances({"b64": b64(png_bomb(20_000, 20_000))}),
             "application/json"),
        Case("jpeg of endless scans", 413, "too_large", jpeg_of_scans(200)),
        Case("bmp of 2**31 pixels", 413, "too_large", b"BM" + bytes(8)
             + struct.pack("<IIiiHHI", 54, 40, 2**31 - 1, 1, 1, 24, 0) + bytes(20), "image/bmp"),
        Case("npy garbage", 400, "bad_array", b"garbage", npy),
        Case("npy magic only", 400, "bad_array", b"\x93NUMPY", octets),
        Case("npy of floats", 400, "bad_array", npy_of(np.zeros((4, 5, 3), np.float32)), npy),
        Case("npy of objects", 400, "bad_array", npy_of(np.array([{}], object)), npy),
        Case("npy with channels first", 400, "bad_array", npy_of(np.zeros((3, 40, 50), np.uint8)),
             npy),
        Case("npy of four channels", 400, "bad_array", npy_of(np.zeros((4, 5, 4), np.uint8)), npy),
        Case("npy cut short", 400, "bad_array", npy_of(grey)[:-1], npy),
        Case("npy with a tail", 400, "bad_array", npy_of(grey) + b"x", npy),
        Case("npy of no rows", 400, "bad_array", npy_of(np.zeros((0, 5, 3), np.uint8)), npy),
        Case("npy that promises terabytes", 413, "too_large", npy_header(
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000000, 3)}"), npy),
        Case("npy of a negative shape", 400, "bad_array", npy_header(
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-4, 5, 3)}"), npy),
        Case("npy header of nested brackets", 400, "bad_array", npy_header("(" * 9000), npy),
        Case("npy header that is code", 400, "bad_array", npy_header("__import__('os')"), npy),
        Case("npy header too long", 400, "bad_array", npy_header(" " * 60000 + "{}"), npy),
        Case("npz", 400, "bad_array", b"PK\x03\x04" + bytes(100), npy),
    ]  # fmt: skip


def _json_bodies() -> list[Case]:
    def case(name: str, code: str, body: bytes | Any, status: int = 400) -> Case:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Case(name, status, code, text, "application/json")

    return [
        case("json cut short", "bad_json", b'{"instances": [{"b64": "'),
        case("not json", "bad_json", b"hello"),
        case("picture called json", "bad_json", JPEG),
        case("json in an odd encoding", "bad_json", b'{"instances": "\xff\xfe"}'),
        case("json null", "bad_json", b"null"),
        case("json number", "bad_json", b"42"),
        case("json string", "bad_json", b'"picture"'),
        case("json object without instances", "bad_json", {"image": "abc"}),
        case("json with another key", "bad_json", {"instances": [], "score_threshold": 0.5}),
        case("no instances", "bad_json", {"instances": []}),
        case("instances is an object", "bad_json", {"instances": {"b64": "abc"}}),
        case("instance is a number", "bad_json", {"instances": [5]}),
        case("instance is a string", "bad_json", {"instances": [b64(JPEG)]}),
        case("instance without b64", "bad_json", {"instances": [{"image": b64(JPEG)}]}),
        case("b64 is a number", "bad_json", {"instances": [{"b64": 5}]}),
        case("b64 is no base64", "bad_base64", {"instances": [{"b64": "not base64!"}]}),
        case("b64 cut short", "bad_base64", {"instances": [{"b64": b64(JPEG)[:-1]}]}),
        case("b64 of accents", "bad_base64", {"instances": [{"b64": "éé"}]}),
        case("b64 of nothing", "empty_image", {"instances": [{"b64": ""}]}),
        case("b64 of text", "unsupported_image", {"instances": [{"b64": b64(b"hello")}]}),
        case("nested 100,000 deep", "bad_json", b"[" * 100_000 + b"]" * 100_000),
        case("nested 100,000 objects deep", "bad_json", b'{"a":' * 100_000),
        case("instances nested deep", "bad_json", b'{"instances":' + b"[" * 100_000),
        case("an empty list", "bad_list", []),
        case("empty lists", "bad_list", [[], [[]]]),
        case("ragged list", "bad_list", [[[1, 2, 3], [1, 2, 3]], [[1, 2, 3]]]),
        case("ragged pixels", "bad_list", [[[1, 2, 3], [1, 2]]]),
        case("list with values over 255", "bad_list", [[[1, 2, 300]]]),
        case("list with floats over 255", "bad_list", [[[1.0, 2.0, 256.0]]]),
        case("list instance over 255", "bad_list", {"instances": [[[[1, 2, 256]]]]}),
        case("list with enormous values", "bad_list", b"[[[1,2," + b"9" * 200 + b"]]]"),
        case("list with digits without end", "bad_list", b"[[[1,2," + b"9" * 100_000 + b"]]]"),
        case("list with negative values", "bad_list", [[[1, 2, -3]]]),
        case("list with fractions", "bad_list", [[[0.1, 0.2, 0.3]]]),
        case("list with NaN", "bad_list", b"[[[NaN, 1, 2]]]"),
        case("list with infinity", "bad_list", b"[[[1e999, 1, 2]]]"),
        case("list with text", "bad_list", [[["a", "b", "c"]]]),
        case("list with long text", "bad_list", [["a" * 100_000], *[["b"]] * 1000]),
        case("list with null", "bad_list", [[[1, 2, None]]]),
        case("list of objects", "bad_list", [{"b64": b64(JPEG)}]),
        case("list of four channels", "bad_list", [[[1, 2, 3, 4]]]),
        case("list of one dimension", "bad_list", [1, 2, 3]),
        case("list of a missing number", "bad_json", b"[[[1,,3]]]"),
        case("list of digits apart", "bad_json", b"[[[1,2,3 4]]]"),
        case("list with a comma too many", "bad_json", b"[[[1,2,3],]]"),
        case("too many instances", "too_many_pictures", {"instances": [{}] * 1001}, 413),
        case("too many lists", "too_large", b'{"instances":[' + b"[],[" * 1_300_000, 413),
    ]  # fmt: skip


def _line_bodies() -> list[Case]:
    def case(name: str, code: str, body: bytes) -> Case:
        return Case(name, 400, code, body, "application/jsonlines")

    return [
        case("no lines", "empty_body", b"\n\n \n"),
        case("a line of text", "bad_json", b"hello\n"),
        case("a line of instances", "bad_json", instances({"b64": b64(JPEG)})),
        case("a line nested deep", "bad_json", b"[" * 50_000 + b"\n"),
    ]


def _heads() -> list[Case]:
    def unread(kind: str) -> Case:
        return Case(f"sent as {kind[:40]!r}", 415, "unsupported_content_type", content_type=kind)

    def option(name: str, value: str) -> Case:
        return Case(f"{name}={value[:20]!r}", 422, "bad_option", query={name: value})

    attributes = "X-Amzn-SageMaker-Custom-Attributes"
    return [
        unread("text/csv"),
        unread("text/plain"),
        unread("application/x-www-form-urlencoded"),
        unread("multipart/form-data; boundary=x"),
        unread("video/mp4"),
        unread("image/svg+xml"),
        unread("image/heic"),
        unread("application/x-recordio-protobuf"),
        unread("x" * 3000),
        option("score_threshold", "high"),
        option("score_threshold", "1.5"),
        option("score_threshold", "nan"),
        option("max_detections", "0"),
        option("max_detections", "ten"),
        option("max_detections", "9" * 400),
        option("segmentation", "mask"),
        option("threshold", "0.5"),
        option("x" * 500, "1"),
        Case("attribute that is no option", 422, "bad_option", headers={attributes: "size=3"}),
        Case("attribute out of range", 422, "bad_option",
             headers={attributes: "score_threshold=2;max_detections=5"}),
        Case("accept csv", 406, "not_acceptable", headers={"Accept": "text/csv"}),
        Case("accept jpeg only", 406, "not_acceptable", headers={"Accept": "image/jpeg;q=1"}),
        Case("accept nothing", 406, "not_acceptable", headers={"Accept": "*/*;q=0"}),
        Case("two pictures as png", 406, "not_acceptable",
             instances({"b64": b64(JPEG)}, {"b64": b64(PNG)}), "application/json",
             headers={"Accept": "image/png"}),
        Case("two pictures as a label map", 406, "not_acceptable",
             instances({"b64": b64(JPEG)}, {"b64": b64(PNG)}), "application/json",
             headers={"Accept": "application/x-npy"}),
    ]  # fmt: skip


BAD = [*_bodies(), *_json_bodies(), *_line_bodies(), *_heads()]
