"""What goes back to a client: one answer's shape, and the one shape of every error."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

JSON = "application/json"
MAX_MESSAGE = 800  # SageMaker shows the first part of an error body: keep it short


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers for one request, and where its time went (milliseconds)."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)


def error_body(code: str, message: str) -> bytes:
    """The body of every error, whichever part of the house noticed it."""
    short = message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
    return json.dumps({"error": {"code": code, "message": short}}).encode()


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    """An answer that says what is wrong."""
    return Answer(status, error_body(code, message), JSON, headers or {})
