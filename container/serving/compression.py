"""gzip for answers, where the client says that it reads it.

Done in the model process: the event loop, which all requests share, never waits for it. Level 1
takes a quarter of a millisecond for 40 KB of run lengths and leaves a third of them.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import replace

from container.serving.answers import Answer
from container.serving.outcomes import media_type

LEAST = 1024  # what is smaller fits one packet anyway
LEVEL = 1
GZIP_FORMAT = 16 + zlib.MAX_WBITS
TYPES = frozenset(("application/json", "application/jsonlines", "application/x-npy"))
WORTH_IT = 0.9


def compressed(answer: Answer, accept_encoding: str) -> Answer:
    """The answer, smaller where the client asked for it and it pays; pictures stay as they are."""
    if not 200 <= answer.status < 300 or len(answer.body) < LEAST:
        return answer
    if not is_text(answer.content_type) or _has(answer, "content-encoding"):
        return answer
    answer = replace(answer, headers=_varying(answer.headers))
    if not wants_gzip(accept_encoding):
        return answer
    start = time.perf_counter()
    work = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_FORMAT)
    body = work.compress(answer.body) + work.flush()
    took = round((time.perf_counter() - start) * 1000, 3)
    answer.times["gzip"] = took
    if len(body) > WORTH_IT * len(answer.body):
        return answer
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})


def is_text(content_type: str) -> bool:
    """Whether there is something to gain: JSON, text and arrays, not pictures."""
    kind = media_type(content_type)
    return kind in TYPES or kind.startswith("text/") or kind.endswith("+json")


def wants_gzip(accept_encoding: str) -> bool:
    """Whether Accept-Encoding names gzip (or *), and no less gladly than the answer as it is."""
    weights = dict(_weights(accept_encoding))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weights(accept_encoding: str) -> list[tuple[str, float]]:
    found = []
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.partition(";")
        _, _, weight = parameters.replace(" ", "").replace("\t", "").partition("q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0  # not understood is not wanted
        found.append((name.strip(), value if 0 <= value <= 1 else 0.0))
    return found


def _has(answer: Answer, name: str) -> bool:
    return any(each.lower() == name for each in answer.headers)


def _varying(headers: dict[str, str]) -> dict[str, str]:
    """Say that the answer depends on Accept-Encoding, beside what else it depends on."""
    varies = [value for name, value in headers.items() if name.lower() == "vary"]
    rest = {name: value for name, value in headers.items() if name.lower() != "vary"}
    return {**rest, "Vary": ", ".join([*varies, "Accept-Encoding"])}
