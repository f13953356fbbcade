"""One HTTP exchange with a serving container, under one deadline for all of it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

PIECE = 1 << 16
#: What of a request reaches the container, and of an answer the client; SageMaker drops the rest.
#: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
MARK = "x-amzn-sagemaker-"
OWN = (
    "custom-attributes", "target-model", "target-variant", "target-container-hostname",
    "inference-id", "enable-explanations", "inference-component", "session-id", "prefix-aware-id",
)  # fmt: skip
TO_CONTAINER = frozenset({"content-type", "accept", *(MARK + name for name in OWN)})
TO_CLIENT = frozenset(
    {"content-type"}
    | {MARK + name for name in ("custom-attributes", "new-session-id", "closed-session-id")}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the headers with lower-case names, the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def only(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    """The headers with these names, which come back in lower case."""
    return {name.lower(): value for name, value in headers.items() if name.lower() in names}


def wire(text: str) -> str:
    """A header's value as http.client sends and gives it: any text is UTF-8 there, as boto3's."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def unwired(value: str) -> str:
    """The text of a header's value; bytes that are no UTF-8 are taken as they are."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def exchange(
    address: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> Answer:
    """The container's answer. OSError or HTTPException when there is none; TimeoutError is one."""
    end = time.monotonic() + seconds
    connection = http.client.HTTPConnection(address, timeout=seconds)
    try:
        connection.request(method, path, body, dict(headers or {}))
        if connection.sock is not None:
            connection.sock.settimeout(left(end))
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, read(connection, response, end))
    finally:
        connection.close()


def read(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, end: float
) -> bytes:
    """The body; a container that trickles has no longer than one that is silent."""
    pieces = []
    while True:
        if connection.sock is not None:
            connection.sock.settimeout(left(end))
        piece = response.read1(PIECE)
        if not piece:
            break
        pieces.append(piece)
    if response.length:  # read1, unlike read, says nothing of a body that was cut short
        raise http.client.IncompleteRead(b"".join(pieces), response.length)
    return b"".join(pieces)


def left(end: float) -> float:
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
