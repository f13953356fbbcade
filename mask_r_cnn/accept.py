"""The answer's content type, from the Accept header of a request (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from response import JSON, JSON_LINES, NPY, PNG, RequestError

OFFERED = (JSON, JSON_LINES, PNG, NPY)
_ALIASES = {
    "application/jsonl": JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
}


def choose(accept: str) -> str:
    """The type that the client likes best, ours first where it likes several the same."""
    wishes = list(_wishes(accept))
    if not wishes:
        return JSON
    best = max(OFFERED, key=lambda offered: _quality(offered, wishes))
    if _quality(best, wishes) <= 0:
        raise RequestError(
            406,
            "not_acceptable",
            f"cannot answer as {accept[:100]!r} - accept one of {', '.join(OFFERED)}",
        )
    return best


def _wishes(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name:
            yield _ALIASES.get(name, name), _weight(parameters)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        found = re.fullmatch(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", parameter)
        if found:
            return min(float(found[1]), 1.0)
    return 1.0


def _quality(offered: str, wishes: list[tuple[str, float]]) -> float:
    """The weight of the wish that names a type most exactly."""
    family = offered.partition("/")[0] + "/*"
    for name in (offered, family, "*/*"):
        weights = [weight for wish, weight in wishes if wish == name]
        if weights:
            return max(weights)
    return 0.0
