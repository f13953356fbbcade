"""The bodies and the feature pyramid of `backbone.py` as OpenVINO's operations."""

from __future__ import annotations

import numpy as np
from openvino import opset15 as ops

from graph_layers import Layers
from graph_values import Value, constant, integers

_BODY = "backbone.body"
_FPN = "backbone.fpn"

# torchvision's tables: expansion, channels out, repeats and stride (v2); channels in, kernel's
# side, squeeze, activation and stride of every block (v3). Widths are in the tensors.
_V2_BLOCKS = ((1, 1, 1), (6, 2, 2), (6, 3, 2), (6, 4, 2), (6, 3, 1), (6, 3, 2), (6, 1, 1))
_V3_BLOCKS = (
    ("relu", 1), ("relu", 2), ("relu", 1), ("relu", 2), ("relu", 1), ("relu", 1),
    ("hswish", 2), ("hswish", 1), ("hswish", 1), ("hswish", 1), ("hswish", 1), ("hswish", 1),
    ("hswish", 2), ("hswish", 1), ("hswish", 1),
)  # fmt: skip
_V3_EPS = 0.001


def pyramid(layers: Layers, backbone: str, x: Value) -> list[Value]:
    """The levels of the pyramid, finest first, the last one a sample of the one before."""
    if backbone.startswith("resnet"):
        maps = _resnet(layers, x)
    elif backbone == "mobilenet_v2_fpn":
        maps = _mobilenet_v2(layers, x)
    else:
        maps = _mobilenet_v3(layers, x)
    return _fpn(layers, maps)


def _fpn(layers: Layers, maps: list[Value]) -> list[Value]:
    levels: list[Value] = []
    above: Value | None = None
    for index in reversed(range(len(maps))):
        lateral = _fpn_conv(layers, maps[index], f"{_FPN}.inner_blocks.{index}")
        above = lateral if above is None else ops.add(lateral, _twice(above))
        levels.insert(0, _fpn_conv(layers, above, f"{_FPN}.layer_blocks.{index}"))
    pooled = ops.max_pool(
        levels[-1], strides=[2, 2], dilations=[1, 1], pads_begin=[0, 0], pads_end=[0, 0],
        kernel_shape=[1, 1],
    )  # fmt: skip
    return [*levels, pooled.output(0)]


def _fpn_conv(layers: Layers, x: Value, name: str) -> Value:
    norm = f"{name}.1" if layers.has(f"{name}.1.weight") else ""
    return layers.conv(x, f"{name}.0", norm)


def _twice(x: Value) -> Value:
    # Sides are multiples of the coarsest stride: a level has exactly twice the sides of the next.
    return ops.interpolate(
        x,
        constant(np.array([2.0, 2.0])),
        "nearest",
        "scales",
        axes=integers(2, 3),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _resnet(layers: Layers, x: Value) -> list[Value]:
    x = layers.conv(x, f"{_BODY}.conv1", f"{_BODY}.bn1", stride=2, act="relu")
    x = ops.max_pool(
        x, strides=[2, 2], dilations=[1, 1], pads_begin=[1, 1], pads_end=[1, 1],
        kernel_shape=[3, 3],
    ).output(0)  # fmt: skip
    maps = []
    for stage in range(1, 5):
        index = 0
        while layers.has(f"{_BODY}.layer{stage}.{index}.conv1.weight"):
            stride = 2 if stage > 1 and index == 0 else 1
            x = _residual(layers, x, f"{_BODY}.layer{stage}.{index}", stride)
            index += 1
        maps.append(x)
    return maps


def _residual(layers: Layers, x: Value, name: str, stride: int) -> Value:
    shortcut = x
    if layers.has(f"{name}.downsample.0.weight"):
        shortcut = layers.conv(x, f"{name}.downsample.0", f"{name}.downsample.1", stride=stride)
    convs = 3 if layers.has(f"{name}.conv3.weight") else 2
    wide = (
        convs - 1
    )  # the 3 x 3 convolution that has the stride: the first of two, or of three the second
    for number in range(1, convs + 1):
        step = stride if number == wide else 1
        act = "relu" if number < convs else ""
        x = layers.conv(x, f"{name}.conv{number}", f"{name}.bn{number}", stride=step, act=act)
    return ops.relu(ops.add(x, shortcut))


def _mobilenet_v2(layers: Layers, x: Value) -> list[Value]:
    x = layers.conv(x, f"{_BODY}.0.0", f"{_BODY}.0.1", stride=2, act="relu6")
    maps, number = {}, 0
    for _, repeats, first in _V2_BLOCKS:
        for index in range(repeats):
            number += 1
            x = _inverted_v2(layers, x, f"{_BODY}.{number}.conv", first if index == 0 else 1, index)
            maps[number] = x
    last = layers.conv(x, f"{_BODY}.18.0", f"{_BODY}.18.1", act="relu6")
    return [maps[6], maps[13], last]


def _inverted_v2(layers: Layers, x: Value, name: str, stride: int, index: int) -> Value:
    before, place = x, 0
    if layers.has(f"{name}.3.weight"):  # with an expansion in front
        x = layers.conv(x, f"{name}.0.0", f"{name}.0.1", act="relu6")
        place = 1
    x = layers.conv(x, f"{name}.{place}.0", f"{name}.{place}.1", stride=stride, act="relu6")
    x = layers.conv(x, f"{name}.{place + 1}", f"{name}.{place + 2}")
    return ops.add(x, before) if index else x


def _mobilenet_v3(layers: Layers, x: Value) -> list[Value]:
    x = layers.conv(x, f"{_BODY}.0.0", f"{_BODY}.0.1", stride=2, act="hswish", eps=_V3_EPS)
    maps = {}
    for number, (act, stride) in enumerate(_V3_BLOCKS, start=1):
        x = _inverted_v3(layers, x, f"{_BODY}.{number}.block", act, stride)
        maps[number] = x
    last = layers.conv(x, f"{_BODY}.16.0", f"{_BODY}.16.1", act="hswish", eps=_V3_EPS)
    return [maps[6], maps[12], last]


def _inverted_v3(layers: Layers, x: Value, name: str, act: str, stride: int) -> Value:
    before, place = x, 0
    depth = f"{name}.1.0.weight"
    if layers.weights[depth].shape[1] == 1:  # with an expansion in front
        x = layers.conv(x, f"{name}.0.0", f"{name}.0.1", act=act, eps=_V3_EPS)
        place = 1
    here = f"{name}.{place}"
    x = layers.conv(x, f"{here}.0", f"{here}.1", stride=stride, act=act, eps=_V3_EPS)
    place += 1
    if layers.has(f"{name}.{place}.fc1.weight"):
        x = _squeezed(layers, x, f"{name}.{place}")
        place += 1
    x = layers.conv(x, f"{name}.{place}.0", f"{name}.{place}.1", eps=_V3_EPS)
    same = stride == 1 and _channels(layers, f"{name}.{place}.0") == _channels_in(layers, name)
    return ops.add(x, before) if same else x


def _squeezed(layers: Layers, x: Value, name: str) -> Value:
    share = ops.reduce_mean(x, integers(2, 3), True)
    share = layers.conv(share, f"{name}.fc1", act="relu")
    share = layers.conv(share, f"{name}.fc2", act="hsigmoid")
    return ops.multiply(x, share)


def _channels(layers: Layers, name: str) -> int:
    return int(layers.weights[f"{name}.weight"].shape[0])


def _channels_in(layers: Layers, name: str) -> int:
    # The first convolution of a block: over all its channels, or depthwise in the very first one.
    weight = layers.weights[f"{name}.0.0.weight"]
    return int(weight.shape[0] if weight.shape[1] == 1 else weight.shape[1])
