"""Anchors, proposals and detections as OpenVINO's operations, with torchvision's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from openvino import Type
from openvino import opset15 as ops

from graph_values import Value, as_float, constant, integers, shared, whole, width

# torchvision's numbers.
_PER_LEVEL = 1000
_RPN_IOU, _BOX_IOU = 0.7, 0.5
_SMALLEST_PROPOSAL, _SMALLEST_BOX = 1e-3, 1e-2
_MOST_GROWTH = math.log(1000.0 / 16)
_BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_NO_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
_REJECTED = -1.0  # the score of a box that is no box
_NEVER = -1e4  # the logit of a probability of 0


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid: the RPN's answers on it, and the anchors of one cell."""

    logits: Value  # [1, anchors, H, W]
    deltas: Value  # [1, 4 anchors, H, W]
    anchors: NDArray[np.float32]  # [anchors, 4] around zero
    stride: int


def cell_anchors(sides: Sequence[int]) -> NDArray[np.float32]:
    """The anchors around one point: three shapes of every side, rounded as torchvision has it."""
    height = np.sqrt(np.array([0.5, 1.0, 2.0], np.float32))
    width = np.float32(1) / height
    scales = np.array(sides, np.float32)
    wide = (width[:, None] * scales[None]).reshape(-1)
    high = (height[:, None] * scales[None]).reshape(-1)
    return np.round(np.stack([-wide, -high, wide, high], 1) / np.float32(2))


def proposals(levels: Sequence[Level], limits: Value, most: int, least: float) -> Value:
    """The best boxes [n, 4] over all levels: at most `most`, their probabilities over `least`.

    `limits` is (width, height, width, height).
    """
    logits, deltas, places, widths = zip(*(_best_of_level(level) for level in levels))
    place, wide = ops.concat(list(places), 0), ops.concat(list(widths), 0)
    boxes = _decoded(ops.concat(list(deltas), 0), _anchors_at(levels, place, wide), _NO_WEIGHTS)
    boxes = _clipped(boxes, limits)
    score = _usable(boxes, ops.sigmoid(ops.concat(list(logits), 0)), _SMALLEST_PROPOSAL)
    kept = _nms(boxes, ops.unsqueeze(score, whole(1)), _RPN_IOU, constant(least), _PER_LEVEL)
    kept = ops.slice(kept, integers(0), integers(most), integers(1), integers(0))
    return ops.gather_nd(boxes, ops.gather(kept, integers(0, 2), whole(1)))


def _best_of_level(level: Level) -> tuple[Value, Value, Value, Value]:
    """Logits [1, 1000], deltas [1, 1000, 4] and places [1, 1000] of a level's best anchors.

    A level of fewer is filled with anchors of a probability of 0. The last value is the width of
    the level, [1, 1].
    """
    rows = ops.reshape(ops.transpose(level.logits, integers(0, 2, 3, 1)), integers(1, -1), False)
    shape = ops.shape_of(level.logits, "i64")
    wide = ops.reshape(ops.gather(shape, integers(3), whole(0)), integers(1, 1), False)
    filler = ops.broadcast(constant(_NEVER), integers(1, _PER_LEVEL))
    best = ops.topk(ops.concat([rows, filler], 1), whole(_PER_LEVEL), 1, "max", "value", "i64")
    place = best.output(1)
    deltas = ops.reshape(
        ops.transpose(level.deltas, integers(0, 2, 3, 1)), integers(1, -1, 4), False
    )
    return best.output(0), ops.gather(deltas, ops.squeeze(place, whole(0)), whole(1)), place, wide


def _anchors_at(levels: Sequence[Level], place: Value, wide: Value) -> Value:
    """The anchors [levels, n, 4] at `place` [levels, n] of levels `wide` [levels, 1] cells."""
    count = len(levels[0].anchors)
    first = np.arange(len(levels), dtype=np.int64)[:, None] * count
    cell = ops.divide(place, whole(count))
    row = ops.divide(cell, wide)
    column = ops.subtract(cell, ops.multiply(row, wide))
    shift = ops.concat([ops.unsqueeze(part, whole(-1)) for part in [column, row] * 2], -1)
    strides = constant(np.array([level.stride for level in levels]).reshape(-1, 1, 1))
    kind = ops.add(ops.subtract(place, ops.multiply(cell, whole(count))), shared(first))
    table = constant(np.concatenate([level.anchors for level in levels]))
    return ops.add(ops.multiply(as_float(shift), strides), ops.gather(table, kind, whole(0)))


def _decoded(deltas: Value, boxes: Value, weights: Sequence[float]) -> Value:
    """Boxes [..., 4] moved and grown by deltas [..., 4]."""
    shift, growth = ops.split(ops.divide(deltas, constant(weights)), whole(-1), 2).outputs()
    low, high = ops.split(boxes, whole(-1), 2).outputs()
    size = ops.subtract(high, low)
    centre = ops.add(low, ops.multiply(size, constant(0.5)))
    centre = ops.add(ops.multiply(shift, size), centre)
    growth = ops.minimum(growth, constant(_MOST_GROWTH))
    half = ops.multiply(ops.multiply(ops.exp(growth), size), constant(0.5))
    return ops.concat([ops.subtract(centre, half), ops.add(centre, half)], -1)


def _clipped(boxes: Value, limits: Value) -> Value:
    return ops.minimum(ops.maximum(boxes, constant(0.0)), limits)


def _usable(boxes: Value, scores: Value, smallest: float) -> Value:
    """The scores, those of boxes with a side under `smallest` rejected."""
    low, high = ops.split(boxes, whole(-1), 2).outputs()
    side = ops.reduce_min(ops.subtract(high, low), integers(-1), False)
    good = ops.greater_equal(side, constant(smallest))
    return ops.select(good, scores, constant(_REJECTED))


def _nms(boxes: Value, scores: Value, iou: float, least: Value, most: int) -> Value:
    """(group, 0, number) of the boxes kept of each group, best score first."""
    found = ops.non_max_suppression(
        boxes, scores, whole(most), constant(iou), least, box_encoding="corner",
        sort_result_descending=True, output_type="i64",
    )  # fmt: skip
    return found.output(0)


def detections(
    logits: Value, deltas: Value, boxes: Value, limits: Value, least: Value, most: Value
) -> tuple[Value, Value, Value]:
    """Boxes [n, 4], scores [n] and labels [n] (from 1) over `least`, the best `most` of them."""
    scores = ops.transpose(ops.softmax(logits, 1), integers(1, 0))  # [classes, n]
    scores = _without_background(scores)
    deltas = ops.reshape(deltas, integers(-1, width(deltas) // 4, 4), False)  # [n, classes, 4]
    moved = _decoded(deltas, ops.unsqueeze(boxes, whole(1)), _BOX_WEIGHTS)
    moved = _without_background(ops.transpose(_clipped(moved, limits), integers(1, 0, 2)))
    usable = _usable(moved, scores, _SMALLEST_BOX)
    kept = _nms(moved, ops.unsqueeze(usable, whole(1)), _BOX_IOU, least, _PER_LEVEL)
    kept = ops.slice(kept, integers(0), ops.unsqueeze(most, whole(0)), integers(1), integers(0))
    place = ops.gather(kept, integers(0, 2), whole(1))  # (class - 1, number)
    label = ops.squeeze(ops.gather(kept, integers(0), whole(1)), integers(1))
    return (
        ops.gather_nd(moved, place),
        ops.gather_nd(usable, place),
        ops.add(label, whole(1)),
    )


def _without_background(x: Value) -> Value:
    return ops.slice(x, integers(1), integers(2**31 - 1), integers(1), integers(0))


def pyramid_levels(boxes: Value, finest: int, count: int) -> Value:
    """The level of each box (Lin et al. 2017, equation 1); 0 is the one of stride 2^finest."""
    low, high = ops.split(boxes, whole(-1), 2).outputs()
    area = ops.reduce_prod(ops.subtract(high, low), integers(-1), False)
    side = ops.divide(ops.sqrt(area), constant(224.0))
    level = ops.floor(
        ops.add(ops.divide(ops.log(side), constant(math.log(2))), constant(4 + 1e-6 - finest))
    )
    return ops.convert(ops.clamp(level, 0.0, count - 1.0), Type.i64)
