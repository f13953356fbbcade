"""What a client can ask for with a request, from the query or SageMaker's custom attributes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from response import RequestError

MOST_DETECTIONS = 1000
SEGMENTATIONS = ("rle", "polygon", "none")


@dataclass(frozen=True, slots=True)
class Options:
    """One request's wishes; None leaves it to the model."""

    score_threshold: float | None = None
    max_detections: int | None = None
    segmentation: str = "rle"


def parse_options(query: Mapping[str, str], attributes: str = "") -> Options:
    """Options of a request: those of the query, then those of the attributes that it lacks.

    Attributes are `name=value`, divided by `;`, `,` or `&`. Parts of another form are somebody
    else's, a trace id say, and left alone.
    """
    parts = (part.partition("=") for part in re.split("[;,&]", attributes) if "=" in part)
    wishes = {name.strip(): value.strip() for name, _, value in parts}
    wishes.update({name.strip(): value.strip() for name, value in query.items()})
    chosen: dict[str, Any] = {}
    for name, value in wishes.items():
        if name not in _READERS:
            raise _bad(f"unknown option {name[:60]!r}")
        chosen[name] = _READERS[name](value)
    return Options(**chosen)


def _bad(what: str) -> RequestError:
    return RequestError(
        422,
        "bad_option",
        f"{what} - options are score_threshold (0 to 1), max_detections (1 to {MOST_DETECTIONS}) "
        f"and segmentation ({', '.join(SEGMENTATIONS)}), in the query or in "
        "X-Amzn-SageMaker-Custom-Attributes as name=value;name=value",
    )


def _score_threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise _bad(f"score_threshold={text[:60]!r} is not a number from 0 to 1")
    return value


def _max_detections(text: str) -> int:
    whole = re.fullmatch(r"[0-9]{1,9}", text)
    if whole is None or not 1 <= int(text) <= MOST_DETECTIONS:
        raise _bad(
            f"max_detections={text[:60]!r} is not a whole number from 1 to {MOST_DETECTIONS}"
        )
    return int(text)


def _segmentation(text: str) -> str:
    if text not in SEGMENTATIONS:
        raise _bad(f"segmentation={text[:60]!r} is unknown")
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "score_threshold": _score_threshold,
    "max_detections": _max_detections,
    "segmentation": _segmentation,
}
