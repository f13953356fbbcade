"""COCO run lengths that strangers wrote: checked, then used. numpy only.

The COCO libraries give an area and a box for run lengths that do not cover the picture, and
pycocotools draws what lay in memory for the rest; here they are refused.
Written format: https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c, rleToString.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def counts_of(text: bytes, pixels: int) -> Counts:
    """Reads compressed run lengths; ValueError unless they cover the pixels exactly."""
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if len(codes) == 0 or codes.min() < 0 or codes.max() > 63 or codes[-1] & 0x20:
        raise ValueError("its counts are not COCO run lengths")
    last = (codes & 0x20) == 0
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 8:  # 40 bits: more than any picture has pixels
        raise ValueError("its counts are too large")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    negative = (codes[ends] & 0x10) != 0
    values -= np.where(negative, np.int64(1) << (5 * lengths), 0)
    # From the fourth on, a count is written as the difference to the one two before it
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return checked(values, pixels)


def checked(counts: Counts, pixels: int) -> Counts:
    """Gives the counts back; ValueError unless they cover the pixels exactly."""
    if len(counts) == 0 or counts.min() < 0 or counts.max() > pixels:
        raise ValueError("its counts are negative or larger than the picture")
    if counts.sum() != pixels:
        raise ValueError(f"its counts cover {counts.sum()} pixels, the picture has {pixels}")
    return counts


def text_of(counts: Counts) -> bytes:
    """Writes run lengths the way COCO compresses them."""
    values = counts.astype(np.int64)
    values[3:] -= counts[1:-2]
    groups = np.ones(len(values), np.int64)
    for size in range(1, 8):
        groups += (values < -(1 << (5 * size - 1))) | (values >= (1 << (5 * size - 1)))
    total = int(groups.sum())
    starts = np.cumsum(groups) - groups
    place = np.arange(total) - np.repeat(starts, groups)
    more = place < np.repeat(groups, groups) - 1
    codes = ((np.repeat(values, groups) >> (5 * place)) & 0x1F) | (more * 0x20)
    return (codes + 48).astype(np.uint8).tobytes()


def counts_from_mask(mask: npt.NDArray[np.bool_]) -> Counts:
    """Counts the runs of a [height, width] mask."""
    flat = np.concatenate([[False], mask.T.ravel(), [not mask[-1, -1]]])
    return np.diff(np.flatnonzero(flat[1:] != flat[:-1]), prepend=0)


def crop_from_counts(counts: Counts, height: int) -> tuple[npt.NDArray[np.uint8], int, int]:
    """Draws the part of a mask that holds all its pixels: 0 and 1, with its left and its top."""
    _, (x0, y0, x1, y1) = area_and_box(counts, height)
    left, top, right, bottom = int(x0), int(y0), int(x1), int(y1)
    ends = np.clip(np.cumsum(counts), left * height, right * height)
    lengths = np.diff(ends, prepend=left * height)
    values = (np.arange(len(counts)) & 1).astype(np.uint8)
    columns = np.repeat(values, lengths).reshape(right - left, height)
    return columns[:, top:bottom].T, left, top


def area_and_box(counts: Counts, height: int) -> tuple[int, tuple[float, float, float, float]]:
    """Returns the number of pixels and x0, y0, x1, y1 around them; all 0 when there are none."""
    ends = np.cumsum(counts)
    first, after = ends[:-1:2], ends[1::2]
    keep = after > first
    first, last = first[: len(after)][keep], after[keep] - 1
    if len(first) == 0:
        return 0, (0.0, 0.0, 0.0, 0.0)
    columns, rows = first // height, first % height
    wraps = last // height > columns  # a run over the end of a column touches top and bottom
    top = 0 if wraps.any() else int(rows.min())
    bottom = height if wraps.any() else int((last % height).max()) + 1
    box = (float(columns.min()), float(top), float((last // height).max()) + 1.0, float(bottom))
    return int((last - first + 1).sum()), box
