"""Mask R-CNN as one OpenVINO graph, made of the tensors of a state dict; nothing is converted.

The graph takes any picture whose sides are multiples of 32 and gives boxes, scores, labels and
28 x 28 masks: convolutions, proposals, RoIAlign, heads and suppression all run in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from openvino import Model, PartialShape, Type, op
from openvino import opset15 as ops

from graph_bodies import pyramid
from graph_boxes import Level, cell_anchors, detections, proposals, pyramid_levels
from graph_layers import Layers
from graph_values import Value, Weights, as_float, constant, integers, one, sharing, whole
from quantization import Range

# ImageNet's channel means and deviations; `network.py` has the same.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_RESNET_SIDES = ((32,), (64,), (128,), (256,), (512,))
_MOBILE_SIDES = ((32, 45), (64, 90), (128, 181), (256, 362))


def build_graph(
    weights: Weights,
    backbone: str,
    most: int = 1000,
    least: float = 0.0,
    ranges: Mapping[str, Range] | None = None,
) -> Model:
    """The graph of a whole Mask R-CNN; layers whose input's range is given compute in int8.

    Inputs: picture [1, H, W, 3] uint8, size (width, height, width, height) of the part that is no
    padding, least score, most detections, most masks. Outputs: boxes, scores, labels, masks.
    """
    with sharing():
        return _built(Layers(weights, ranges), backbone, most, least)


def _built(layers: Layers, backbone: str, most_proposals: int, objectness: float) -> Model:
    picture = op.Parameter(Type.u8, PartialShape([1, -1, -1, 3]))
    limits = op.Parameter(Type.f32, PartialShape([4]))
    least = op.Parameter(Type.f32, PartialShape([]))
    most = op.Parameter(Type.i64, PartialShape([]))
    most_masks = op.Parameter(Type.i64, PartialShape([]))
    inputs = {
        "picture": picture,
        "limits": limits,
        "least": least,
        "most": most,
        "masks": most_masks,
    }
    for name, parameter in inputs.items():
        parameter.friendly_name = name
        parameter.output(0).set_names({name})
    maps = pyramid(layers, backbone, _normalised(picture))
    finest = 3 if backbone.startswith("mobilenet") else 2
    sides = _MOBILE_SIDES if finest == 3 else _RESNET_SIDES
    levels = [
        Level(*_rpn_head(layers, feature), cell_anchors(side), 2 ** (finest + index))
        for index, (feature, side) in enumerate(zip(maps, sides, strict=True))
    ]
    boxes = proposals(levels, limits, most_proposals, objectness)
    features, boxes, _ = _pooled(maps[:-1], boxes, finest, 7)
    logits, deltas = _box_head(layers, features)
    found, scores, labels = detections(logits, deltas, boxes, limits, least, most)
    seen = ops.slice(
        found, integers(0), ops.unsqueeze(most_masks, whole(0)), integers(1), integers(0)
    )
    masks, pooled = _masks(layers, maps[:-1], seen, labels, finest)
    outputs = {
        "boxes": found,
        "scores": scores,
        "labels": labels,
        "grids": masks,
        # Nobody reads it: in bfloat16 the plugin leaves only what leads to an output in float32,
        # and corners would move by a pixel or two.
        "pooled": pooled,
    }
    results = []
    for name, value in outputs.items():
        result = op.Result(one(value))
        result.output(0).set_names({name})
        results.append(result)
    return Model(results, list(inputs.values()), "mask_r_cnn")


def _normalised(picture: Value) -> Value:
    mean = np.array(_MEAN, np.float32) * np.float32(255)
    std = np.array(_STD, np.float32) * np.float32(255)
    planes = as_float(ops.transpose(picture, integers(0, 3, 1, 2)))
    centred = ops.subtract(planes, constant(mean.reshape(1, 3, 1, 1)))
    return ops.divide(centred, constant(std.reshape(1, 3, 1, 1)))


def _rpn_head(layers: Layers, feature: Value) -> tuple[Value, Value]:
    x, index = feature, 0
    while layers.has(f"rpn.head.conv.{index}.0.weight"):
        x = layers.conv(x, f"rpn.head.conv.{index}.0", act="relu")
        index += 1
    return layers.conv(x, "rpn.head.cls_logits"), layers.conv(x, "rpn.head.bbox_pred")


def _pooled(
    maps: Sequence[Value], boxes: Value, finest: int, side: int
) -> tuple[Value, Value, Value]:
    """RoIAlign: features [n, channels, side, side], the boxes they are of, and their old places.

    Every level pools its own boxes: features and boxes come level by level.
    """
    level = pyramid_levels(boxes, finest, len(maps))
    pooled, ordered, order = [], [], []
    for number, feature in enumerate(maps):
        mine = ops.squeeze(ops.non_zero(ops.equal(level, whole(number)), "i64"), integers(0))
        own = ops.gather(boxes, mine, whole(0))
        picture = ops.convert(ops.multiply(mine, whole(0)), Type.i32)
        pooled.append(
            ops.roi_align(
                feature, own, picture, side, side, 2, 1.0 / 2 ** (finest + number), "avg",
                aligned_mode="asymmetric",
            )
        )  # fmt: skip
        ordered.append(own)
        order.append(mine)
    return ops.concat(pooled, 0), ops.concat(ordered, 0), ops.concat(order, 0)


def _box_head(layers: Layers, features: Value) -> tuple[Value, Value]:
    head, index = "roi_heads.box_head", 0
    while layers.has(f"{head}.{index}.0.weight"):
        features = layers.conv(features, f"{head}.{index}.0", f"{head}.{index}.1", act="relu")
        index += 1
    x = ops.reshape(features, integers(-1, 256 * 7 * 7), False)
    names = ["5"] if index else ["fc6", "fc7"]
    for name in names:
        x = ops.relu(layers.linear(x, f"{head}.{name}"))
    predictor = "roi_heads.box_predictor"
    return layers.linear(x, f"{predictor}.cls_score"), layers.linear(x, f"{predictor}.bbox_pred")


def _masks(
    layers: Layers, maps: Sequence[Value], boxes: Value, labels: Value, finest: int
) -> tuple[Value, Value]:
    """Probabilities [n, 28, 28] of the boxes' own classes, and the boxes as they were pooled."""
    x, pooled, places = _pooled(maps, boxes, finest, 14)
    head = "roi_heads.mask_head"
    for index in range(4):
        norm = f"{head}.{index}.1" if layers.has(f"{head}.{index}.1.weight") else ""
        x = layers.conv(x, f"{head}.{index}.0", norm, act="relu")
    x = ops.relu(layers.doubled(x, "roi_heads.mask_predictor.conv5_mask"))
    x = layers.conv(x, "roi_heads.mask_predictor.mask_fcn_logits")
    own = ops.gather(x, ops.unsqueeze(ops.gather(labels, places, whole(0)), whole(1)), whole(1), 1)
    grids = ops.sigmoid(ops.squeeze(own, integers(1)))
    count = ops.gather(ops.shape_of(places, "i64"), whole(0), whole(0))
    back = ops.topk(places, count, 0, "min", "value", "i64").output(1)
    return ops.gather(grids, back, whole(0)), pooled
