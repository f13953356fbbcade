"""What is to be seen in a picture: the words that every reader of annotations speaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Polygons:
    """Outlines in pixels of the picture, each x0, y0, x1, y1, …; what any of them holds counts."""

    parts: tuple[npt.NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True)
class Rle:
    """COCO's compressed run lengths, down the columns, for a mask of the picture's size."""

    counts: bytes


@dataclass(frozen=True, slots=True)
class MaskFile:
    """The pixels of a mask picture that have one value."""

    path: Path
    value: int


Segmentation = Polygons | Rle | MaskFile


@dataclass(frozen=True, slots=True)
class Instance:
    """One thing in a picture; the box is x0, y0, x1, y1 in pixels, inside the picture."""

    label: int
    box: Box
    segmentation: Segmentation
    area: float
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file; width and height are as decoded, upright."""

    image_id: int
    path: Path
    width: int
    height: int
    instances: tuple[Instance, ...]
