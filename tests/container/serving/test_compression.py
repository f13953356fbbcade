"""gzip: for whom, for what, and what it says about itself."""

from __future__ import annotations

import gzip
import json

import pytest

from container.serving.answers import Answer, error
from container.serving.compression import compressed, wants_gzip
from tests.container.serving.conftest import Serve

BODY = json.dumps({"detections": [{"bbox": [n, 2, 3, 4]} for n in range(100)]}).encode()


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP;Q=0.5, deflate", True),
        ("deflate, br", False),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, identity", False),
        ("gzip;q=0.5, identity;q=1", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("identity;q=0", False),
        ("identity;q=0, gzip", True),
        ("gzip ; q = 0.3", True),
        ("gzip;q=nan", False),
        ("gzip;q=2", False),
        ("gzip;q=nonsense", False),
        (",;,=gzip", False),
        ("gzipped", False),
    ],
)
def test_who_wants_it(accept: str, wanted: bool):
    assert wants_gzip(accept) is wanted


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "text/csv", "application/geo+json"]
)
def test_what_is_text_is_compressed(kind: str):
    answer = compressed(Answer(200, BODY, kind, {"X-One": "1"}), "gzip")
    assert gzip.decompress(answer.body) == BODY
    assert len(answer.body) < len(BODY) / 3
    assert answer.content_type == kind
    assert answer.headers == {
        "X-One": "1",
        "Vary": "Accept-Encoding",
        "Content-Encoding": "gzip",
    }
    assert answer.times["gzip"] >= 0


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, BODY, "image/png"),
        Answer(200, BODY, "application/octet-stream"),
        Answer(200, BODY[:1023]),
        Answer(200, BODY, headers={"content-encoding": "br"}),
        Answer(500, BODY),
        error(400, "bad_input", "ü" * 800),
    ],
)
def test_what_stays_as_it_is(answer: Answer):
    assert compressed(answer, "gzip") == answer


def test_without_the_header_only_vary_is_added():
    answer = compressed(Answer(200, BODY, headers={"vary": "Accept"}), "")
    assert answer.body == BODY
    assert answer.headers == {"Vary": "Accept, Accept-Encoding"}


def test_what_does_not_get_smaller_is_sent_as_it_is():
    noise = bytes((n * n * 7 + n // 3) % 251 for n in range(3000)) + gzip.compress(BODY * 50)
    noise = gzip.compress(noise, 9)
    assert len(noise) > 1024
    answer = compressed(Answer(200, noise, "text/plain"), "gzip")
    assert answer.body == noise and "Content-Encoding" not in answer.headers


def test_through_the_server(serve: Serve, front: str):
    serving = serve("hashes", front=front).wait_ready()
    text = {"Content-Type": "application/json", "Accept": "application/echo+json"}
    plain = serving.post(BODY, text)
    assert (plain.status, plain.body) == (200, BODY)
    assert "content-encoding" not in plain.headers
    small = serving.post(BODY, {**text, "Accept-Encoding": "deflate, gzip;q=0.8"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(small.body) == BODY
    refused = serving.post(BODY, {**text, "Accept-Encoding": "gzip;q=0"})
    assert refused.body == BODY
    line = serving.access_log()[1]
    assert line["gzip_ms"] >= 0 and line["bytes_out"] == len(small.body)
    wrong = serving.request("HEAD", "/invocations", headers={"Accept-Encoding": "gzip"})
    assert (wrong.status, wrong.body) == (405, b"")


def test_a_browser_is_told_where_the_time_went(serve: Serve):
    serving = serve("four_functions").wait_ready()
    assert "server-timing" not in serving.post().headers
    told = serving.post(headers={"Sec-Fetch-Site": "same-origin"}).headers["server-timing"]
    names = [each.partition(";dur=")[0] for each in told.split(", ")]
    assert names == ["queue", "decode", "model", "encode", "total"]
    assert all(float(each.partition(";dur=")[2]) >= 0 for each in told.split(", "))
