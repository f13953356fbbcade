"""What goes back to a client: one answer's shape, and the one shape of every error."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache

JSON = "application/json"
MAX_MESSAGE = 800  # SageMaker shows the first part of an error body: keep it short

#: The ordinary statuses. werkzeug knows all of them, and is not loaded before one is asked for.
REASONS = {
    200: "OK",
    400: "BAD REQUEST",
    406: "NOT ACCEPTABLE",
    408: "REQUEST TIMEOUT",
    411: "LENGTH REQUIRED",
    413: "REQUEST ENTITY TOO LARGE",
    415: "UNSUPPORTED MEDIA TYPE",
    422: "UNPROCESSABLE ENTITY",
    429: "TOO MANY REQUESTS",
    500: "INTERNAL SERVER ERROR",
    503: "SERVICE UNAVAILABLE",
    504: "GATEWAY TIMEOUT",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers for one request, and where its time went (milliseconds)."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)


@lru_cache(maxsize=64)
def status_line(code: int) -> str:
    """A status as HTTP/1.1 writes it, in Flask's words."""
    if code in REASONS:
        return f"{code} {REASONS[code]}"
    from werkzeug.http import HTTP_STATUS_CODES

    return f"{code} {HTTP_STATUS_CODES.get(code, 'Unknown').upper()}"


def error_body(code: str, message: str) -> bytes:
    """The body of every error, whichever part of the house noticed it."""
    short = message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
    return json.dumps({"error": {"code": code, "message": short}}).encode()


def our_fault(exception: Exception) -> Answer:
    """The answer for what is wrong with the server itself."""
    name = type(exception).__name__
    return error(500, "server_error", f"the server failed: {name} (see the log)")


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    """An answer that says what is wrong."""
    return Answer(status, error_body(code, message), JSON, headers or {})
