"""What a handler can know about a request beyond its body, and say beyond the answer's body.

The methods are those of sagemaker-inference-toolkit's context that handlers use; the attributes
are ours. A function that takes one more argument than it must gets it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REFUSED_HEADERS = frozenset(
    ("connection", "content-length", "content-type", "keep-alive", "transfer-encoding", "upgrade")
)


TOKEN = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_plain(text: str) -> bool:
    """Whether a text can be a header's value."""
    return text.isascii() and text.isprintable()


class Context:
    """One request's headers (lower case), query and deadline; its answer's headers and status."""

    def __init__(
        self, system_properties: Mapping[str, object], head: Mapping[str, object] | None = None
    ) -> None:
        head = head or {}
        self.system_properties = dict(system_properties)
        self.headers: dict[str, str] = _strings(head.get("headers"))
        self.query: dict[str, str] = _strings(head.get("query"))
        deadline = head.get("deadline")
        self.deadline: float | None = deadline if isinstance(deadline, float) else None
        self.response_headers: dict[str, str] = {}
        self.response_content_type: str | None = None
        self.response_status: int | None = None

    def get_request_header(self, index: int, name: str) -> str | None:
        """A header of the request, whatever its case."""
        return self.headers.get(name.lower())

    def get_all_request_header(self, index: int = 0) -> dict[str, str]:
        """All headers of the request."""
        return dict(self.headers)

    def set_response_header(self, index: int, name: str, value: str) -> None:
        """Add a header to the answer, as X-Amzn-SageMaker-Custom-Attributes."""
        if name.lower() in REFUSED_HEADERS:
            raise ValueError(f"a handler cannot set {name}: the server does")
        if not TOKEN.fullmatch(name) or not is_plain(value):
            raise ValueError(f"{name!r}: {value!r} is no header: use plain ASCII")
        self.response_headers[name] = value

    def set_response_content_type(self, index: int, content_type: str) -> None:
        """The Content-Type, where output_fn returns only a body."""
        self.response_content_type = content_type

    def set_response_status(self, code: int = 200, phrase: str = "", index: int = 0) -> None:
        """The status of an answer that is not an error."""
        if not 200 <= code <= 599:
            raise ValueError(f"{code} is no status of an answer: use 200 to 599")
        self.response_status = code


def _strings(value: object) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {}
