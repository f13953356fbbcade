"""The layers of a state dict as OpenVINO's operations, normalisation folded where it can be.

A layer's kind is read from its tensors: a normalisation with running statistics is batch
normalisation, frozen or trained, and becomes part of the convolution before it; one without is
group normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Output, Type, op
from openvino import opset15 as ops

from quantization import Range, eight_bits, steps_of

Array = NDArray[Any]
Value = Any  # a Node of one output or an Output: OpenVINO has no types to check
Weights = Mapping[str, Array]

_CHANNELS = (1, -1, 1, 1)
_GROUP_EPS = 1e-5
_SMALL = 1024
# No number that it is added to changes, yet the plugin does not take it for nothing: where what
# leaves an int8 layer goes two ways, all but an addition is multiplied by the steps' size twice.
_NOTHING = np.float32(1e-30)
_known: ContextVar[dict[Any, Value]] = ContextVar("constants of the graph being built")


def constant(value: Any) -> Value:
    """Numbers as float32; large arrays are not copied."""
    array = np.ascontiguousarray(value, np.float32).reshape(np.shape(value))
    return shared(array) if array.size <= _SMALL else op.Constant(array, shared_memory=True)


def integers(*values: int) -> Value:
    """A list of whole numbers: axes, shapes and the like."""
    return shared(np.array(values, np.int64))


def whole(value: int) -> Value:
    """One whole number."""
    return shared(np.array(value, np.int64))


@contextmanager
def sharing() -> Iterator[None]:
    """Inside, equal small constants are one: compiling takes as long as the graph has nodes."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def shared(array: Array) -> Value:
    """A constant as it is; see `sharing`."""
    known = _known.get()
    key = (array.tobytes(), array.shape, array.dtype.char)
    if key not in known:
        known[key] = op.Constant(array)
    return known[key]


def one(x: Value) -> Output:
    """The value itself, where an operation that gives only one stands for it."""
    return x if isinstance(x, Output) else x.output(0)


def width(x: Value) -> int:
    """The length of axis 1: channels, or features."""
    return int(one(x).get_partial_shape()[1].get_length())


class Layers:
    """Makes operations of the tensors of a state dict; in int8 where the input's range is given."""

    def __init__(self, weights: Weights, ranges: Mapping[str, Range] | None = None) -> None:
        self.weights, self.ranges = weights, ranges or {}
        self._rounded_values: dict[Any, Value] = {}

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
        weight = self.weights[f"{name}.weight"]
        bias = self.weights.get(f"{name}.bias")
        folded = f"{norm}.running_var" in self.weights
        if folded:
            weight, bias = self._folded(weight, bias, norm, eps)
        if name in self.ranges:
            x = self._rounded(x, name)
            bias = np.full(len(weight), _NOTHING) if bias is None or not np.any(bias) else bias
            x = ops.convolution(x, _eight_bits(weight), **_placed(weight.shape[-1], stride))
        else:
            x = self._convolved(x, weight, stride)
        if bias is not None:
            x = ops.add(x, constant(np.reshape(bias, _CHANNELS)))
        if norm and not folded:
            x = self._group_norm(x, norm)
        return ACTS[act](x) if act else x

    def linear(self, x: Value, name: str) -> Value:
        """A fully connected layer over [rows, features]."""
        weight = self.weights[f"{name}.weight"]
        if name in self.ranges:
            product = ops.matmul(self._rounded(x, name), _eight_bits(weight), False, True)
        else:
            product = ops.matmul(x, constant(weight), False, True)
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

    def _folded(
        self, weight: Array, bias: Array | None, norm: str, eps: float
    ) -> tuple[Array, Array]:
        mean, variance, gain, shift = (
            self.weights[f"{norm}.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        scale = gain / np.sqrt(variance + np.float32(eps))
        moved = mean if bias is None else mean - bias
        return weight * scale.reshape(-1, 1, 1, 1), shift - moved * scale

    @staticmethod
    def _convolved(x: Value, weight: Array, stride: int) -> Value:
        side = weight.shape[-1]
        placed = _placed(side, stride)
        if weight.shape[1] == 1 and width(x) > 1:
            grouped = constant(weight[:, None])
            return ops.group_convolution(x, grouped, **placed)
        return ops.convolution(x, constant(weight), **placed)

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


def _eight_bits(weight: Array) -> Value:
    """Weights as the plugin wants them for int8: whole numbers, as float32, times their size."""
    whole_numbers, size = eight_bits(weight)
    kept = op.Constant(whole_numbers, shared_memory=True)
    return ops.multiply(as_float(kept), constant(size.reshape(-1, *[1] * (weight.ndim - 1))))


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


def as_float(x: Value) -> Value:
    """The same numbers as float32."""
    return ops.convert(x, Type.f32)
