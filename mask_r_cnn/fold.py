"""Frozen batch normalisation folded into the convolution before it.

torchvision's FrozenBatchNorm2d multiplies and adds over the whole feature map, in float32
even under autocast. Scaling the convolution's weights by the same numbers is the same
function and the same gradient, and costs nothing. Names in the state dict do not change.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import conv2d
from torchvision.ops import FrozenBatchNorm2d


class _FoldedNorm(FrozenBatchNorm2d):  # type: ignore[misc]
    """Holds the statistics; the convolution before it has applied them already."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class _FoldedConv(nn.Conv2d):
    """A convolution that applies the frozen normalisation after it through its weights."""

    # Set past nn.Module, so that it is not registered as a submodule of the convolution too.
    norm: _FoldedNorm

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (nn.Conv2d names it so)
        weight, shift = self.folded()
        return conv2d(input, weight, shift, self.stride, self.padding, self.dilation, self.groups)

    def folded(self) -> tuple[Tensor, Tensor]:
        """The weights and the bias with the normalisation in them."""
        norm = self.norm
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        shift = norm.bias - norm.running_mean * scale
        if self.bias is not None:
            shift = shift + self.bias * scale
        return self.weight * scale.view(-1, 1, 1, 1), shift


def weight_and_bias(layer: nn.Module) -> tuple[Tensor, Tensor | None]:
    """What a convolution or fully connected layer computes with."""
    if isinstance(layer, _FoldedConv):
        return layer.folded()
    return layer.weight, layer.bias  # type: ignore[return-value]


def fold_frozen_norms(module: nn.Module) -> int:
    """Fold every convolution that is followed by a frozen norm; the number of them."""
    folded = 0
    children = list(module.children())
    for conv, norm in zip(children, children[1:]):
        if type(conv) is nn.Conv2d and type(norm) is FrozenBatchNorm2d:
            norm.__class__ = _FoldedNorm
            conv.__class__ = _FoldedConv
            object.__setattr__(conv, "norm", norm)
            folded += 1
    return folded + sum(fold_frozen_norms(child) for child in children)
