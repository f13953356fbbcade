"""How much objects overlap (IoU), pair by pair, as boxes and as run lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval.core import mask as coco_mask

from matching import THRESHOLDS, Bools, Floats, Ints, Overlap, runs


@dataclass(frozen=True)
class Masks:
    """COCO run lengths, with the pixels that each has and the box [n, 4] around them."""

    rles: Sequence[dict[str, Any]]
    area: Floats
    box: Floats

    @classmethod
    def of(cls, rles: Sequence[dict[str, Any]]) -> Masks:
        """Count and measure them."""
        if not rles:
            return cls([], np.zeros(0), np.zeros((0, 4)))
        return cls(rles, coco_mask.area(rles).astype(np.float64), coco_mask.toBbox(rles))


def corner_and_size(boxes: Sequence[Sequence[float]]) -> Floats:
    """x0, y0, x1, y1 as COCO's x, y, width, height: [n, 4]."""
    corners: Floats = np.array(boxes, np.float64).reshape(-1, 4)
    corners[:, 2:] -= corners[:, :2]
    return corners


def box_overlaps(found: Floats, truth: Floats, crowd: Bools) -> Overlap:
    """IoU of boxes; with a crowd it is the part of the detection that lies in it."""

    def overlap(places: Ints, others: Ints) -> Floats:
        ours, theirs = found[places], truth[others]
        both = _shared(ours, theirs)
        area = ours[:, 2] * ours[:, 3]
        union = np.where(crowd[others], area, area + theirs[:, 2] * theirs[:, 3] - both)
        return np.divide(both, union, out=np.zeros(len(both)), where=both > 0)

    return overlap


def mask_overlaps(found: Masks, truth: Masks, crowd: Bools, group: Ints) -> Overlap:
    """IoU of masks; 0 where areas and boxes alone rule out the lowest threshold.

    `group` is the detections' picture and class: what is in one is compared in one go.
    """

    def overlap(places: Ints, others: Ints) -> Floats:
        ours, theirs = found.area[places], truth.area[others]
        most = np.minimum(ours, theirs)
        most = np.minimum(most, _shared(found.box[places], truth.box[others]))
        union = np.where(crowd[others], ours, ours + theirs - most)
        may = np.flatnonzero((most > 0) & (most >= 0.999 * THRESHOLDS[0] * union))
        iou, crowds = np.zeros(len(places)), crowd.tolist()
        starts, counts = runs(group[places[may]])
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            some = may[start : start + count]
            iou[some] = _exact(found, truth, crowds, places[some].tolist(), others[some].tolist())
        return iou

    return overlap


def _shared(ours: Floats, theirs: Floats) -> Floats:
    """The area that two boxes have in common."""
    start = np.maximum(ours[:, :2], theirs[:, :2])
    end = np.minimum(ours[:, :2] + ours[:, 2:], theirs[:, :2] + theirs[:, 2:])
    sides = np.maximum(end - start, 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def _exact(
    found: Masks, truth: Masks, crowd: Sequence[bool], places: Sequence[int], others: Sequence[int]
) -> list[float]:
    """IoU of each pair: every detection named with every truth named, and then the pairs of it."""
    rows = {place: number for number, place in enumerate(dict.fromkeys(places))}
    columns = {other: number for number, other in enumerate(dict.fromkeys(others))}
    table = coco_mask.iou(
        [found.rles[place] for place in rows],
        [truth.rles[other] for other in columns],
        [int(crowd[other]) for other in columns],
    )
    return [table[rows[place], columns[other]] for place, other in zip(places, others)]
