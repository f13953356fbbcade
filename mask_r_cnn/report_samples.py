"""The report's sample pictures: what the model found beside the truth."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation import Detection
from overlay import draw
from report_html import text

_SAMPLE_SIDE = 900  # pixels: a page with six samples stays under a few megabytes
_SAME_OBJECT = 0.3  # overlap of two boxes from which on they share a colour


@dataclass(frozen=True)
class Sample:
    """A picture with its truth and what the model made of it."""

    image: NDArray[np.uint8]
    truth: list[Detection]
    predicted: list[Detection]
    name: str


def sample_pair(sample: Sample, class_names: Sequence[str]) -> str:
    """Two drawings side by side, each with what is in it in words."""
    truth, predicted = sample.truth, sample.predicted
    drawn = draw(sample.image, predicted, class_names, colours=matching_colours(truth, predicted))
    sides = [
        ("Truth", draw(sample.image, truth, class_names, scores=False), truth),
        ("Predicted", drawn, predicted),
    ]
    figures = "".join(
        f'<figure><img src="{_data_uri(pixels)}" alt="{side}: {_counted(seen, class_names)}">'
        f"<figcaption>{side}: {_counted(seen, class_names)}</figcaption></figure>"
        for side, pixels, seen in sides
    )
    return (
        f'<div class="sample"><h3>{text(sample.name)}</h3><div class="pair">{figures}</div></div>'
    )


def matching_colours(truth: Sequence[Detection], predicted: Sequence[Detection]) -> list[int]:
    """The colour of each prediction: that of the object it lies on best, else one of its own."""
    free = dict(enumerate(truth))
    colours = []
    for place, detection in enumerate(predicted):
        best = max(free, key=lambda number: _overlap(detection, free[number]), default=None)
        if best is None or _overlap(detection, free[best]) < _SAME_OBJECT:
            colours.append(len(truth) + place)
        else:
            colours.append(best)
            del free[best]
    return colours


def _overlap(one: Detection, other: Detection) -> float:
    """Shared part of two boxes."""
    wide = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    high = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    areas = [(item.box[2] - item.box[0]) * (item.box[3] - item.box[1]) for item in (one, other)]
    return shared / max(sum(areas) - shared, 1e-9)


def _counted(detections: Sequence[Detection], class_names: Sequence[str]) -> str:
    names = [class_names[detection.label - 1] for detection in detections]
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return ", ".join(f"{count} × {text(name)}" for name, count in counts.items()) or "nothing"


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SAMPLE_SIDE, _SAMPLE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
