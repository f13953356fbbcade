"""Instances to pixels: at the size that a model is trained on, or as run lengths at full size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from faster_coco_eval.core import mask as coco_mask

import run_lengths
from errors import DataError
from instances import Box, Instance, MaskFile, Picture, Polygons, Rle
from pictures import PictureError, decode_labels

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a mask that holds all its pixels: 0 and 1, and where it is in the picture."""

    pixels: Mask
    left: int
    top: int


def draw(picture: Picture, height: int, width: int) -> list[Crop]:
    """Draws the instances that are no crowds, in order, at the size that is asked for.

    Outlines are scaled and drawn at that size; a mask that is pixels already is read at the
    nearest pixel.
    """
    opened: dict[Path, npt.NDArray[Any]] = {}
    return [
        _crop(one, picture, (height, width), opened) for one in picture.instances if not one.crowd
    ]


def rasterise(picture: Picture, height: int, width: int) -> Mask:
    """Draws as `draw` does, each mask as large as the picture: uint8 [N, height, width]."""
    crops = draw(picture, height, width)
    masks = np.zeros((len(crops), height, width), np.uint8)
    for mask, crop in zip(masks, crops, strict=True):
        rows, columns = crop.pixels.shape
        mask[crop.top : crop.top + rows, crop.left : crop.left + columns] = crop.pixels
    return masks


def instance_rle(picture: Picture, instance: Instance) -> dict[str, Any]:
    """Gives an instance as COCO run lengths at the full size of its picture."""
    shape = instance.segmentation
    if isinstance(shape, Polygons):
        return _drawn(shape, picture, picture.height, picture.width)
    if isinstance(shape, MaskFile):
        mask = labels_of(shape.path, picture) == shape.value
        counts = run_lengths.text_of(run_lengths.counts_from_mask(mask))
    else:
        counts = shape.counts
    return {"size": [picture.height, picture.width], "counts": counts}


def labels_of(path: Path, picture: Picture) -> npt.NDArray[Any]:
    """Reads a mask file; DataError when it changed since the channel was looked at."""
    try:
        values = decode_labels(path.read_bytes())
    except (PictureError, OSError) as error:
        raise DataError(f"mask {path.name} cannot be read any more: {error}") from None
    if values.shape != (picture.height, picture.width):
        raise DataError(f"mask {path.name} has changed its size since the job began")
    return values


def pixel_box(shape: Polygons, width: int, height: int) -> Box:
    """Returns the box round the pixels that outlines cover in a picture; all 0 for no pixel."""
    counts = run_lengths.counts_of(_merged(shape.parts, height, width), height * width)
    return run_lengths.area_and_box(counts, height)[1]


def _drawn(shape: Polygons, picture: Picture, height: int, width: int) -> dict[str, Any]:
    scale = np.array([width / picture.width, height / picture.height])
    parts = [(part.reshape(-1, 2) * scale).ravel() for part in shape.parts]
    return {"size": [height, width], "counts": _merged(parts, height, width)}


def _merged(parts: Iterable[npt.NDArray[np.float64]], height: int, width: int) -> bytes:
    lists = [part.tolist() for part in parts]
    counts: bytes = coco_mask.merge(coco_mask.frPyObjects(lists, height, width))["counts"]
    return counts


def _crop(
    instance: Instance,
    picture: Picture,
    size: tuple[int, int],
    opened: dict[Path, npt.NDArray[Any]],
) -> Crop:
    shape = instance.segmentation
    if isinstance(shape, Polygons):
        drawn = run_lengths.counts_of(_drawn(shape, picture, *size)["counts"], size[0] * size[1])
        return Crop(*run_lengths.crop_from_counts(drawn, size[0]))
    if isinstance(shape, Rle):
        counts = run_lengths.counts_of(shape.counts, picture.height * picture.width)
        pixels, left, top = run_lengths.crop_from_counts(counts, picture.height)
        box = (left, top, left + pixels.shape[1], top + pixels.shape[0])
        rows, columns = _seen(box, picture, size)
        seen = pixels[rows.source - top][:, columns.source - left]
        return Crop(seen, columns.first, rows.first)
    if shape.path not in opened:  # all instances of a picture are in one file: decoded once
        opened[shape.path] = labels_of(shape.path, picture)
    rows, columns = _seen(instance.box, picture, size)
    values = opened[shape.path][rows.source][:, columns.source]
    return Crop((values == shape.value).view(np.uint8), columns.first, rows.first)


class _Axis(NamedTuple):
    """Which target pixels a part of the source covers: the first, and what each of them reads."""

    first: int
    source: npt.NDArray[np.int64]


def _seen(box: Sequence[float], picture: Picture, size: tuple[int, int]) -> tuple[_Axis, _Axis]:
    """Rows and columns of a picture of `size` that read inside a box of the source."""
    axes = []
    for low, high, length, target in (
        (box[1], box[3], picture.height, size[0]),
        (box[0], box[2], picture.width, size[1]),
    ):
        nearest = _nearest(length, target)
        first, after = np.searchsorted(nearest, (math.floor(low), math.ceil(high)))
        axes.append(_Axis(int(first), nearest[first:after]))
    return axes[0], axes[1]


def _nearest(source: int, target: int) -> npt.NDArray[np.int64]:
    """Picks the source row under the middle of each target row."""
    return ((np.arange(target) * 2 + 1) * source) // (2 * target)
