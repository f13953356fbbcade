"""One object of a batch transform as requests, and the answers as its `.out`.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RECORDIO_MAGIC = 0xCED7230A
#: What the container's /execution-parameters and the job leave open.
DEFAULTS = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MultiRecord", "MaxPayloadInMB": 6}
STRATEGIES = {"SINGLE_RECORD": "SingleRecord", "MULTI_RECORD": "MultiRecord"}


class RecordError(Exception):
    """An object that cannot be cut, sent or joined as the job says; in the words of its log."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How requests are made; MaxPayloadInMB 0 means of any size."""

    concurrent: int
    single: bool
    payload: int


def parameters(request: Mapping[str, Any], said: Mapping[str, Any]) -> Parameters:
    """The job's own words first, then the container's, then AWS's."""
    found = {**DEFAULTS, **known(said)}
    for name in DEFAULTS:
        if request.get(name) is not None:
            found[name] = request[name]
    strategy = STRATEGIES.get(str(found["BatchStrategy"]).upper(), found["BatchStrategy"])
    return Parameters(
        max(1, int(found["MaxConcurrentTransforms"])),
        strategy == "SingleRecord",
        int(found["MaxPayloadInMB"]) << 20,
    )


def known(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in DEFAULTS if said.get(name) is not None}


def requests(data: bytes, split: str, how: Parameters) -> Iterator[bytes]:
    """The bodies to send for one object."""
    if split == "None":
        yield checked(data, how)
        return
    records = SPLITTERS[split](data)
    if how.single:
        yield from (checked(record, how) for record in records)
        return
    waiting: list[bytes] = []
    size = 0
    for record in records:
        checked(record, how)
        if waiting and how.payload and size + len(record) > how.payload:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(record)
        size += len(record)
    if waiting:
        yield b"".join(waiting)


def checked(body: bytes, how: Parameters) -> bytes:
    if how.payload and len(body) > how.payload:
        raise RecordError(
            f"ClientError: Too much data for max payload size: {len(body)} bytes, MaxPayloadInMB"
            f" {how.payload >> 20}"
        )
    return body


def lines(data: bytes) -> Iterator[bytes]:
    yield from (line for line in data.splitlines(keepends=True) if line.strip(b"\r\n"))


def record_io(data: bytes) -> Iterator[bytes]:
    """Whole records, framing included, padded to four bytes each."""
    at = 0
    while at < len(data):
        magic, length = frame(data, at, "<II")
        if magic != RECORDIO_MAGIC:
            raise RecordError(f"ClientError: no RecordIO record begins at byte {at}")
        end = at + 8 + ((length & ((1 << 29) - 1)) + 3) // 4 * 4
        yield data[at:end]
        at = end


def tf_record(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = at + frame(data, at, "<Q")[0] + 16
        yield data[at:end]
        at = end


def frame(data: bytes, at: int, form: str) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise RecordError(f"ClientError: the record at byte {at} is cut short") from None


SPLITTERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "Line": lines,
    "RecordIO": record_io,
    "TFRecord": tf_record,
}


def assembled(answers: Sequence[bytes], assemble: str) -> bytes:
    """All answers of one object as one."""
    if assemble != "Line":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)


def joined(source: bytes, answer: bytes, content_type: str) -> bytes:
    """Each record of the input with its answer beside it (DataProcessing.JoinSource)."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "text/csv":
            return joined_csv(source.decode(), answer.decode())
        if kind == "application/jsonlines":
            pairs = same_count(list(lines(source)), list(lines(answer)))
            return b"".join(json.dumps(pair(*one)).encode() + b"\n" for one in pairs)
        if kind == "application/json":
            return json.dumps(pair(source, answer)).encode()
    except ValueError as error:
        raise RecordError(f"ClientError: input and output cannot be joined: {error}") from error
    raise RecordError(f"ClientError: JoinSource wants CSV or JSON, not {content_type!r}")


def pair(source: bytes, answer: bytes) -> dict[str, Any]:
    record, made = json.loads(source), json.loads(answer)
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": made}
    return {"SageMakerInput": record, "SageMakerOutput": made}


def joined_csv(source: str, answer: str) -> bytes:
    text = io.StringIO()
    rows = same_count(list(csv.reader(io.StringIO(source))), list(csv.reader(io.StringIO(answer))))
    csv.writer(text, lineterminator="\n").writerows([*left, *right] for left, right in rows)
    return text.getvalue().encode()


def same_count(left: Sequence[Any], right: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    if len(left) != len(right):
        raise ValueError(f"{len(left)} records went in, {len(right)} came out")
    return iter(list(zip(left, right)))
