"""The layers of a state dict as OpenVINO's operations, normalisation folded where it can be.

A layer's kind is read from its tensors: a normalisation with running statistics is batch
normalisation, frozen or trained, and becomes part of the convolution before it; one without is
group normalisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from openvino import op
from openvino import opset15 as ops

from graph_values import Array, Value, Weights, as_float, constant, integers, one, width
from quantization import Range, eight_bits, steps_of

_CHANNELS = (1, -1, 1, 1)
_GROUP_EPS = 1e-5
# No number that it is added to changes, yet the plugin does not take it for nothing: where what
# leaves an int8 layer goes two ways, all but an addition is multiplied by the steps' size twice.
_NOTHING = np.float32(1e-30)


class Layers:
    """Makes operations of the tensors of a state dict; in int8 where the input's range is given."""

    def __init__(self, weights: Weights, ranges: Mapping[str, Range] | None = None) -> None:
        self.weights, self.ranges = weights, ranges or {}
        self._rounded_values: dict[Any, Value] = {}
        self._made: dict[str, Value] = {}  # weights, by their layers' names

    def has(self, name: str) -> bool:
        """Whether the state dict has this tensor."""
        return name in self.weights

    def conv(
        self,
        x: Value,
        name: str,
        norm: str = "",
        *,
        stride: int = 1,
        act: str = "",
        eps: float = 1e-5,
    ) -> Value:
        """Convolution `name` (padded to keep the size), then the normalisation, then `act`."""
        bias, gain = self.weights.get(f"{name}.bias"), None
        folded = f"{norm}.running_var" in self.weights
        if folded:
            gain, bias = self._folded(bias, norm, eps)
        if name in self.ranges:
            x = self._rounded(x, name)
            side = self.weights[f"{name}.weight"].shape[-1]
            x = ops.convolution(x, self._eight_bits(name, gain), **_placed(side, stride))
            bias = np.full(width(x), _NOTHING) if bias is None or not np.any(bias) else bias
        else:
            x = self._convolved(x, name, gain, stride)
        if bias is not None:
            x = ops.add(x, constant(np.reshape(bias, _CHANNELS)))
        if norm and not folded:
            x = self._group_norm(x, norm)
        return ACTS[act](x) if act else x

    def linear(self, x: Value, name: str) -> Value:
        """A fully connected layer over [rows, features]."""
        if name in self.ranges:
            weight, x = self._eight_bits(name), self._rounded(x, name)
        else:
            weight = constant(self.weights[f"{name}.weight"])
        product = ops.matmul(x, weight, False, True)
        return ops.add(product, constant(self.weights[f"{name}.bias"]))

    def doubled(self, x: Value, name: str) -> Value:
        """A transposed convolution of 2 x 2 and stride 2."""
        weight = self.weights[f"{name}.weight"]
        x = ops.convolution_backprop_data(
            x, constant(weight), strides=[2, 2], pads_begin=[0, 0], pads_end=[0, 0]
        )
        return ops.add(x, constant(np.reshape(self.weights[f"{name}.bias"], _CHANNELS)))

    def _rounded(self, x: Value, name: str) -> Value:
        """The layer's input in 256 steps, once for all layers that are given it."""
        ends, value = self.ranges[name], one(x)
        key = (value.get_node().get_friendly_name(), value.get_index(), ends)
        if key not in self._rounded_values:
            steps = steps_of(ends)
            low, high = constant(steps.low * steps.size), constant(steps.high * steps.size)
            self._rounded_values[key] = ops.fake_quantize(x, low, high, low, high, 256)
        return self._rounded_values[key]

    def _folded(self, bias: Array | None, norm: str, eps: float) -> tuple[Array, Array]:
        """What the normalisation multiplies each channel's weights by, and the bias after it."""
        mean, variance, gain, shift = (
            self.weights[f"{norm}.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        scale = gain / np.sqrt(variance + np.float32(eps))
        moved = mean if bias is None else mean - bias
        return scale, shift - moved * scale

    def _eight_bits(self, name: str, gain: Array | None = None) -> Value:
        """Weights as the plugin wants them for int8: whole numbers, as float32, times their size.

        A layer that is used on every level has them once.
        """
        if name not in self._made:
            weight = self.weights[f"{name}.weight"]
            whole_numbers, size = eight_bits(weight, gain)
            kept = op.Constant(whole_numbers, shared_memory=True)
            sizes = constant(size.reshape(-1, *[1] * (weight.ndim - 1)))
            self._made[name] = ops.multiply(as_float(kept), sizes)
        return self._made[name]

    def _exact(self, name: str, gain: Array | None, grouped: bool) -> Value:
        """Weights as float32, once for all uses."""
        if name not in self._made:
            weight = self.weights[f"{name}.weight"]
            if gain is not None:
                weight = weight * gain.reshape(-1, 1, 1, 1)
            self._made[name] = constant(weight[:, None] if grouped else weight)
        return self._made[name]

    def _convolved(self, x: Value, name: str, gain: Array | None, stride: int) -> Value:
        _, inputs, *_, side = self.weights[f"{name}.weight"].shape
        grouped = inputs == 1 and width(x) > 1
        by = ops.group_convolution if grouped else ops.convolution
        return by(x, self._exact(name, gain, grouped), **_placed(side, stride))

    def _group_norm(self, x: Value, norm: str) -> Value:
        """Group normalisation by reductions over the map, channel by channel.

        OpenVINO's own operation changes the map's layout back and forth, and what follows with it:
        RoIAlign becomes thirty times as slow.
        """
        gain, shift = self.weights[f"{norm}.weight"], self.weights[f"{norm}.bias"]
        groups = next(count for count in (32, 16, 8, 4, 2, 1) if len(gain) % count == 0)
        mean = _group_mean(x, groups)
        variance = _group_mean(ops.squared_difference(x, mean), groups)
        spread = ops.power(ops.add(variance, constant(_GROUP_EPS)), constant(-0.5))
        scale = ops.multiply(spread, constant(gain.reshape(_CHANNELS)))
        # In this order the three become one pass over the map.
        scaled = ops.multiply(ops.subtract(x, mean), scale)
        return ops.add(scaled, constant(shift.reshape(_CHANNELS)))


def _placed(side: int, stride: int) -> dict[str, Sequence[int]]:
    """Where a convolution's kernel goes: so that only a stride makes the map smaller."""
    around = [(side - 1) // 2] * 2
    return {
        "strides": [stride] * 2,
        "pads_begin": around,
        "pads_end": around,
        "dilations": [1, 1],
    }


def _group_mean(x: Value, groups: int) -> Value:
    """The mean of every group, once for each of its channels: [1, channels, 1, 1]."""
    each = width(x) // groups
    mean = ops.reduce_mean(x, integers(2, 3), True)
    if each == 1:
        return mean
    shares = constant(np.full((groups, each, each, 1, 1), 1 / each))
    return ops.group_convolution(mean, shares, **_placed(1, 1))


def _relu6(x: Value) -> Value:
    return ops.clamp(x, 0.0, 6.0)


ACTS = {
    "relu": ops.relu,
    "relu6": _relu6,
    "hswish": ops.hswish,
    "hsigmoid": ops.hsigmoid,
}
