"""Objects as requests and answers as objects, for every way of cutting."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.local.transform_records import (
    RECORDIO_MAGIC,
    Parameters,
    RecordError,
    assembled,
    joined,
    parameters,
    requests,
)

SINGLE, MULTI = Parameters(1, True, 6 << 20), Parameters(1, False, 6 << 20)
LINE = st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b""))


def record_io(*records: bytes) -> bytes:
    return b"".join(
        struct.pack("<II", RECORDIO_MAGIC, len(one)) + one + b"\0" * (-len(one) % 4)
        for one in records
    )


def tf_record(*records: bytes) -> bytes:
    return b"".join(struct.pack("<QI", len(one), 0) + one + b"crc2" for one in records)


def test_the_jobs_words_win_then_the_containers_then_awss():
    assert parameters({}, {}) == Parameters(1, False, 6 << 20)
    said = {"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 25}
    assert parameters({}, said) == Parameters(4, True, 25 << 20)
    asked = {"MaxConcurrentTransforms": 2, "BatchStrategy": "MultiRecord", "MaxPayloadInMB": 0}
    assert parameters(asked, said) == Parameters(2, False, 0)


def test_an_object_that_is_not_cut_is_one_request():
    assert list(requests(b"a\nb\n", "None", MULTI)) == [b"a\nb\n"]
    assert list(requests(b"", "None", MULTI)) == [b""]
    with pytest.raises(RecordError, match="Too much data for max payload size: 3 bytes"):
        list(requests(b"abc", "None", Parameters(1, False, 2)))
    assert list(requests(b"x" * 100, "None", Parameters(1, False, 0))) == [b"x" * 100]


@given(st.lists(LINE), st.booleans(), st.integers(1, 60))
def test_lines_all_arrive_in_order_and_no_request_is_too_large(
    lines: list[bytes], single: bool, payload: int
):
    data = b"".join(line + b"\n" for line in lines)
    how = Parameters(1, single, payload)
    whole = [line + b"\n" for line in lines if line]
    if any(len(line) > payload for line in whole):
        with pytest.raises(RecordError):
            list(requests(data, "Line", how))
        return
    made = list(requests(data, "Line", how))
    assert b"".join(made) == b"".join(whole)
    assert all(len(body) <= payload for body in made)
    if single:
        assert made == whole


@given(st.lists(st.binary(max_size=30)))
def test_recordio_and_tfrecord_are_cut_at_their_frames(records: list[bytes]):
    for split, pack in (("RecordIO", record_io), ("TFRecord", tf_record)):
        data = pack(*records)
        made = list(requests(data, split, SINGLE))
        assert made == [pack(one) for one in records]
        assert b"".join(requests(data, split, MULTI)) == data


@given(st.binary(max_size=40))
def test_any_bytes_are_cut_or_refused(data: bytes):
    for split in ("RecordIO", "TFRecord", "Line"):
        try:
            made = list(requests(data, split, SINGLE))
        except RecordError:
            continue
        assert all(made)


def test_answers_are_put_together():
    assert assembled([b"a", b"b\n"], "None") == b"ab\n"
    assert assembled([b"a", b"b\n"], "Line") == b"a\nb\n"


def test_answers_are_joined_with_their_records():
    assert joined(b"1,2\n3,4\n", b"0.5\n0.7\n", "text/csv") == b"1,2,0.5\n3,4,0.7\n"
    both = joined(b'{"a": 1}\n[2]\n', b"5\n6\n", "application/jsonlines; charset=utf-8")
    assert [json.loads(line) for line in both.splitlines()] == [
        {"a": 1, "SageMakerOutput": 5},
        {"SageMakerInput": [2], "SageMakerOutput": 6},
    ]
    assert json.loads(joined(b'{"a": 1}', b"5", "application/json")) == {
        "a": 1, "SageMakerOutput": 5,
    }  # fmt: skip
    with pytest.raises(RecordError, match="2 records went in, 1 came out"):
        joined(b"1\n2\n", b"5\n", "text/csv")
    with pytest.raises(RecordError, match="wants CSV or JSON, not 'image/png'"):
        joined(b"1", b"2", "image/png")
    with pytest.raises(RecordError, match="cannot be joined"):
        joined(b"{", b"2", "application/json")
