"""A network's layers as they answer in int8, by torch: to measure their ranges, and to judge them.

A training job has no OpenVINO. Whole numbers of eight bits are exact in every format that torch
computes in, so what it finds is what int8 gives, but for the rounding of the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from fold import weight_and_bias
from model import ModelInfo, predict
from network import Network
from quantization import Range, eight_bits, int8_layers, sound, steps_of

# Sums of thousands of products stay in the range of float16 so, and all stays exact.
_SHRINK = 2.0**-14


def measured_ranges(
    network: Network, info: ModelInfo, images: Iterator[NDArray[np.uint8]]
) -> dict[str, Range]:
    """The least and the largest number that each layer for int8 is given over some pictures."""
    ends: dict[str, Tensor] = {}
    with _seeing(network, lambda name, x: _widen(ends, name, x)):
        for image in images:
            predict(network, info, [image])
    found = {name: both.tolist() for name, both in ends.items()}
    around = {name: (min(0.0, -low), max(0.0, high)) for name, (low, high) in found.items()}
    return {name: both for name, both in around.items() if sound(*both)}


def use_int8(network: Network, ranges: dict[str, Range]) -> None:
    """Put layers that compute as int8 does in the place of those with a range; for good."""
    for name, ends in ranges.items():
        parent, _, last = name.rpartition(".")
        layer = network.get_submodule(name)
        setattr(network.get_submodule(parent), last, Int8Layer(layer, ends))


class Int8Layer(nn.Module):
    """A convolution or fully connected layer whose input and weights are whole numbers."""

    def __init__(self, layer: Any, ends: Range) -> None:
        super().__init__()
        self.steps = steps_of(ends)
        with torch.no_grad():
            exact, bias = weight_and_bias(layer)
        whole, size = eight_bits(exact.detach().float().cpu().numpy())
        weight = torch.from_numpy(whole).to(exact.device, torch.float32) * _SHRINK
        self.weight = nn.Parameter(weight, requires_grad=False)
        shape = (-1, 1, 1) if weight.ndim == 4 else (-1,)
        sizes = torch.from_numpy(size).to(weight.device) * (self.steps.size / _SHRINK)
        self.sizes = nn.Parameter(sizes.view(shape), requires_grad=False)
        bias = weight.new_zeros(len(weight)) if bias is None else bias.detach().float()
        self.bias = nn.Parameter(bias.view(shape), requires_grad=False)
        self._apply_to: Callable[[Tensor, Tensor], Tensor] = linear
        if weight.ndim == 4:
            placed = (None, layer.stride, layer.padding, layer.dilation)
            self._apply_to = lambda x, weight: conv2d(x, weight, *placed)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's answer, in the format that the layer would have given it in."""
        steps = self.steps
        whole = (x.float() / steps.size).round_().clamp_(steps.low, steps.high)
        sums = self._apply_to(whole, self.weight)
        return torch.addcmul(self.bias, sums.float(), self.sizes).to(sums.dtype)


@contextmanager
def _seeing(network: Network, look: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Inside, `look` is shown what each layer for int8 is given."""

    def hook(name: str) -> Callable[[nn.Module, Sequence[Tensor]], None]:
        return lambda _, inputs: look(name, inputs[0])

    handles = [
        network.get_submodule(name).register_forward_pre_hook(hook(name))
        for name in int8_layers(network.state_dict())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _widen(ends: dict[str, Tensor], name: str, x: Tensor) -> None:
    if x.numel():  # no proposal, no detection: nothing to see
        low, high = torch.aminmax(x.detach())
        both = torch.stack([-low, high]).float()
        ends[name] = torch.maximum(ends[name], both) if name in ends else both
