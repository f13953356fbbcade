"""Instances to pixels: at the size that a model is trained on, or as run lengths at full size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_coco_eval.core import mask as coco_mask

import run_lengths
from errors import DataError
from instances import Box, Instance, MaskFile, Picture, Polygons, Rle
from pictures import PictureError, decode_labels

Mask = npt.NDArray[np.uint8]


def rasterise(picture: Picture, height: int, width: int) -> Mask:
    """Draws the instances that are no crowds, in order: uint8 [N, height, width] of 0 and 1.

    Outlines are scaled and drawn at the size that is asked for; a mask that is pixels already is
    read at the nearest pixel.
    """
    wanted = [one.segmentation for one in picture.instances if not one.crowd]
    masks = np.zeros((len(wanted), height, width), np.uint8)
    opened: dict[Path, npt.NDArray[Any]] = {}
    for mask, shape in zip(masks, wanted, strict=True):
        if isinstance(shape, Polygons):
            drawn = _drawn(shape, picture, height, width)["counts"]
            crop, left, top = run_lengths.crop_from_counts(
                run_lengths.counts_of(drawn, height * width), height
            )
            mask[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        elif isinstance(shape, Rle):
            _stretch(shape, picture, mask)
        else:
            if shape.path not in opened:
                rows, columns = _nearest(picture.height, height), _nearest(picture.width, width)
                opened[shape.path] = labels_of(shape.path, picture)[rows][:, columns]
            np.equal(opened[shape.path], shape.value, out=mask.view(np.bool_))
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


def _stretch(shape: Rle, picture: Picture, mask: Mask) -> None:
    """Draws run lengths into a mask of another size, pixel by nearest pixel."""
    counts = run_lengths.counts_of(shape.counts, picture.height * picture.width)
    crop, left, top = run_lengths.crop_from_counts(counts, picture.height)
    rows = _nearest(picture.height, mask.shape[0]) - top
    columns = _nearest(picture.width, mask.shape[1]) - left
    first, after = np.searchsorted(rows, (0, crop.shape[0]))
    start, end = np.searchsorted(columns, (0, crop.shape[1]))
    mask[first:after, start:end] = crop[rows[first:after]][:, columns[start:end]]


def _nearest(source: int, target: int) -> npt.NDArray[np.int64]:
    """Picks the source row under the middle of each target row."""
    return ((np.arange(target) * 2 + 1) * source) // (2 * target)
