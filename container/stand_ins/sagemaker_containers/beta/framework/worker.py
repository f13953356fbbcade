"""The answer that an output_fn may return in place of a body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JSON = "application/json"


class Response:
    """A body with its content type, status and headers; `serve` reads it as it reads Flask's."""

    def __init__(
        self,
        response: Any = None,
        accept: str | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        mimetype: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        self.response = response
        self.status_code = int(status)
        self.headers = dict(headers or {})
        self.mimetype = mimetype or accept or JSON
        self.direct_passthrough = direct_passthrough

    @property
    def content_type(self) -> str:
        return self.mimetype

    def get_data(self, as_text: bool = False) -> Any:
        """The body."""
        body = b"" if self.response is None else self.response
        if as_text:
            return body if isinstance(body, str) else bytes(body).decode()
        return body.encode() if isinstance(body, str) else body
