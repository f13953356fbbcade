"""Anchors, proposals and detections as OpenVINO's operations, with torchvision's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from openvino import Type
from openvino import opset15 as ops

from graph_layers import Value, as_float, constant, integers, whole, width

# torchvision's numbers.
_PER_LEVEL = 1000
_RPN_IOU, _BOX_IOU = 0.7, 0.5
_SMALLEST_PROPOSAL, _SMALLEST_BOX = 1e-3, 1e-2
_MOST_GROWTH = math.log(1000.0 / 16)
_BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_NO_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
_REJECTED = -1.0  # the score of a box that is no box


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


def proposals(levels: Sequence[Level], limits: Value, most: int) -> Value:
    """The best boxes [n, 4] over all levels; `limits` is (width, height, width, height)."""
    boxes, scores = zip(*(_best_of_level(level, limits) for level in levels))
    every, score = ops.concat(list(boxes), 0), ops.concat(list(scores), 0)
    count = ops.minimum(whole(most), _length(score))
    order = ops.topk(score, count, 0, "max", "value", "i64").output(1)
    return ops.gather(every, order, whole(0))


def _best_of_level(level: Level, limits: Value) -> tuple[Value, Value]:
    rows = ops.reshape(ops.transpose(level.logits, integers(0, 2, 3, 1)), integers(-1), False)
    count = ops.minimum(whole(_PER_LEVEL), _length(rows))
    best = ops.topk(rows, count, 0, "max", "value", "i64")
    place = best.output(1)
    deltas = ops.reshape(ops.transpose(level.deltas, integers(0, 2, 3, 1)), integers(-1, 4), False)
    deltas = ops.gather(deltas, place, whole(0))
    boxes = _decoded(deltas, _anchors_at(level, place), _NO_WEIGHTS)
    boxes = _clipped(boxes, limits)
    score = _usable(boxes, ops.sigmoid(best.output(0)), _SMALLEST_PROPOSAL)
    kept = _nms(
        ops.unsqueeze(boxes, whole(0)), ops.unsqueeze(score, integers(0, 1)), _RPN_IOU,
        constant(0.0 - 1e-9), _PER_LEVEL,
    )  # fmt: skip
    keep = ops.squeeze(ops.gather(kept, integers(2), whole(1)), integers(1))
    return ops.gather(boxes, keep, whole(0)), ops.gather(score, keep, whole(0))


def _anchors_at(level: Level, place: Value) -> Value:
    count = len(level.anchors)
    across = ops.gather(ops.shape_of(level.logits, "i64"), whole(3), whole(0))
    cell = ops.divide(place, whole(count))
    row = ops.divide(cell, across)
    column = ops.subtract(cell, ops.multiply(row, across))
    shift = ops.multiply(as_float(_columns([column, row] * 2)), constant(float(level.stride)))
    kind = ops.subtract(place, ops.multiply(cell, whole(count)))
    return ops.add(shift, ops.gather(constant(level.anchors), kind, whole(0)))


def _columns(parts: Sequence[Value]) -> Value:
    return ops.concat([ops.unsqueeze(part, whole(1)) for part in parts], 1)


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


def _length(x: Value) -> Value:
    return ops.gather(ops.shape_of(x, "i64"), whole(0), whole(0))


def pyramid_levels(boxes: Value, finest: int, count: int) -> Value:
    """The level of each box (Lin et al. 2017, equation 1); 0 is the one of stride 2^finest."""
    low, high = ops.split(boxes, whole(-1), 2).outputs()
    area = ops.reduce_prod(ops.subtract(high, low), integers(-1), False)
    side = ops.divide(ops.sqrt(area), constant(224.0))
    level = ops.floor(
        ops.add(ops.divide(ops.log(side), constant(math.log(2))), constant(4 + 1e-6 - finest))
    )
    return ops.convert(ops.clamp(level, 0.0, count - 1.0), Type.i64)
