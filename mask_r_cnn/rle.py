"""COCO run-length masks straight from the mask head, with no full-size mask in between.

The mask head gives one small map (28 x 28) a detection, and the mask of a detection is that map
stretched over its box. Torchvision pastes each into a float picture of its own (100 detections on
1280 x 960: 490 MB); here only the box is stretched, thresholded and counted. The pixels are the
same to the last one: the arithmetic of `paste_masks_in_image` is repeated in its order and types.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from run_lengths import counts_of, text_of

Rle = dict[str, Any]
Box = tuple[int, int, int, int]


def encode_masks(
    masks: NDArray[np.float32],
    boxes: NDArray[np.float32],
    height: int,
    width: int,
    threshold: float = 0.5,
) -> list[Rle]:
    """COCO RLEs of [N, M, M] probabilities over [N, 4] boxes (x0, y0, x1, y1 in pixels).

    A pixel belongs to the mask when its probability is over the threshold. A box that is not
    finite, or lies outside of the picture, gives an empty mask.
    """
    padded = np.pad(np.asarray(masks, np.float32), ((0, 0), (1, 1), (1, 1)))
    whole = _whole_boxes(np.asarray(boxes, np.float32), padded.shape[-1])
    return [
        _from_counts(_counts(mask, box, (height, width), threshold), height, width)
        for mask, box in zip(padded, whole, strict=True)
    ]


def decode_mask(rle: Rle) -> NDArray[np.uint8]:
    """The [height, width] mask of 0 and 1 that an RLE stands for."""
    height, width = rle["size"]
    counts = _counts_of(rle)
    values = (np.arange(len(counts)) & 1).astype(np.uint8)
    return np.repeat(values, counts).reshape(width, height).T


@dataclass(frozen=True, slots=True)
class MaskPart:
    """The rectangle of a mask that holds all of it; no pixels when there are none."""

    left: int
    top: int
    bits: NDArray[np.bool_]

    @property
    def place(self) -> tuple[slice, slice]:
        """Where the rectangle lies in its picture: picture[part.place]."""
        rows, columns = self.bits.shape
        return slice(self.top, self.top + rows), slice(self.left, self.left + columns)


def decode_part(rle: Rle) -> MaskPart:
    """The part of a mask that is not empty, at the cost of its columns and not of the picture."""
    height = rle["size"][0]
    ends = np.cumsum(_counts_of(rle))
    stops = ends[1::2]
    starts = ends[::2][: len(stops)]
    starts, stops = starts[stops > starts], stops[stops > starts]
    if not len(starts):
        return MaskPart(0, 0, np.zeros((0, 0), np.bool_))
    left, after = starts[0] // height, (stops[-1] - 1) // height + 1
    steps = np.zeros((after - left) * height + 1, np.int8)
    steps[starts - left * height] += 1
    steps[stops - left * height] -= 1
    columns = np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_).reshape(after - left, height)
    rows = np.flatnonzero(columns.any(axis=0))
    bits = np.ascontiguousarray(columns[:, rows[0] : rows[-1] + 1].T)
    return MaskPart(int(left), int(rows[0]), bits)


def _counts_of(rle: Rle) -> NDArray[np.int64]:
    text = rle["counts"]  # bytes as the COCO libraries have it, or a string out of JSON
    return counts_of(text.encode() if isinstance(text, str) else text, math.prod(rle["size"]))


def _from_counts(counts: NDArray[np.int64], height: int, width: int) -> Rle:
    return {"size": [height, width], "counts": text_of(counts)}


def _whole_boxes(boxes: NDArray[np.float32], padded_side: int) -> list[Box | None]:
    """Boxes grown by the padding of the map and cut to whole pixels, as torchvision does it."""
    scale = np.float32(padded_side / (padded_side - 2))
    half = np.float32(0.5)
    with np.errstate(invalid="ignore", over="ignore"):
        centre = (boxes[:, 2:] + boxes[:, :2]) * half
        reach = (boxes[:, 2:] - boxes[:, :2]) * half * scale
        grown = np.concatenate([centre - reach, centre + reach], axis=1)
    usable = np.isfinite(grown).all(axis=1) & (np.abs(grown) < 2**31).all(axis=1)
    return [
        (int(row[0]), int(row[1]), int(row[2]), int(row[3])) if good else None
        for row, good in zip(grown, usable, strict=True)
    ]


def _counts(
    mask: NDArray[np.float32], box: Box | None, size: tuple[int, int], threshold: float
) -> NDArray[np.int64]:
    """Lengths of the runs of 0, 1, 0, 1 … down the columns of the whole picture."""
    height, width = size
    empty = np.array([height * width], np.int64)
    if box is None:
        return empty
    left, right = max(box[0], 0), min(box[2] + 1, width)
    top, bottom = max(box[1], 0), min(box[3] + 1, height)
    if left >= right or top >= bottom:
        return empty
    shares = _visible(mask, box, (left, top, right, bottom))
    changes = _changes(shares, threshold, (left, top), height)
    runs = np.diff(changes, prepend=0, append=height * width)
    return runs if runs[-1] else runs[:-1]


def _changes(
    shares: NDArray[np.float32], threshold: float, corner: tuple[int, int], height: int
) -> NDArray[np.int64]:
    """Where the columns of the whole picture, one after the other, change between 0 and 1."""
    rows, columns = shares.shape
    bits = np.zeros((rows + 2, columns), np.bool_)  # outside of the box there is nothing
    np.greater(shares, threshold, out=bits[1:-1])
    row, column = np.divmod(np.flatnonzero(bits[1:] != bits[:-1]), columns)
    place = np.sort((corner[0] + column) * height + corner[1] + row)
    # A run that ends at the bottom of a column and one that starts at the top of the next are one.
    joined = place[1:] == place[:-1]
    keep = np.ones(len(place), np.bool_)
    keep[1:] &= ~joined
    keep[:-1] &= ~joined
    return place[keep]


def _visible(mask: NDArray[np.float32], box: Box, seen: Box) -> NDArray[np.float32]:
    """The part `seen` of a map stretched over its whole box: what is out of sight costs nothing."""
    wide, high = box[2] - box[0] + 1, box[3] - box[1] + 1
    rows = slice(seen[1] - box[1], seen[3] - box[1])
    columns = slice(seen[0] - box[0], seen[2] - box[0])
    return _stretch_lines(_stretch_lines(mask.T, wide, columns).T, high, rows)


def _stretch_lines(lines: NDArray[np.float32], target: int, part: slice) -> NDArray[np.float32]:
    """Lines `part` of `lines` stretched to `target` many: bilinear, align_corners=False."""
    last = len(lines) - 1
    scale, half = np.float32(len(lines) / target), np.float32(0.5)
    places = np.arange(part.start, part.stop, dtype=np.float32)
    exact = np.clip(scale * (places + half) - half, np.float32(0), np.float32(last))
    first = exact.astype(np.int64)
    share = (exact - first.astype(np.float32))[:, None]
    second = np.minimum(first + 1, last)
    return np.asarray(lines[first] * (np.float32(1) - share) + lines[second] * share, np.float32)
