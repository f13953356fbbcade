"""Readers of headers."""

from __future__ import annotations

from collections.abc import Mapping


def parse_accept(accept: str) -> list[str]:
    """The media types of an Accept header, in its order, without parameters."""
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return [one for one in types if one]


def retrieve_content_type_header(headers: Mapping[str, str]) -> str | None:
    """The Content-Type among headers of any case."""
    for name, value in headers.items():
        if name.lower().replace("-", "") == "contenttype":
            return value
    return None
