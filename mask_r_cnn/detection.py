"""What a model finds in a picture, and how its raw answers become that. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rle import encode_masks

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that the model found: class, confidence, box (x0, y0, x1, y1), mask."""

    label: int
    score: float
    box: tuple[float, float, float, float]
    rle: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """A network's answers about one picture, best score first, in its working pixels.

    `grids` are the mask head's probabilities [n, M, M]; None when it did not run.
    """

    boxes: Floats
    scores: Floats
    labels: NDArray[np.int64]
    grids: Floats | None


def detections_of(
    raw: Raw, full: Sequence[int], size: tuple[int, int], threshold: float, limit: int
) -> list[Detection]:
    """The detections from `threshold` on in pixels of the picture, whose (height, width) is `full`.

    `size` is the (height, width) that the network worked at.
    """
    keep = np.flatnonzero(raw.scores >= threshold)[:limit]
    scale = np.array([full[1] / size[1], full[0] / size[0]] * 2, np.float32)
    boxes = raw.boxes[keep] * scale
    rles: Sequence[dict[str, Any] | None] = [None] * len(keep)
    if raw.grids is not None and len(keep):
        rles = encode_masks(raw.grids[keep], boxes, full[0], full[1])
    return [
        Detection(int(label), float(score), tuple(box), rle)
        for label, score, box, rle in zip(
            raw.labels[keep], raw.scores[keep], boxes.tolist(), rles, strict=True
        )
    ]
