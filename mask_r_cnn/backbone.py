"""The feature pyramids that Mask R-CNN can stand on, with torchvision's module names.

The names matter: a state dict of torchvision's `maskrcnn_resnet50_fpn`, or of a
plain torchvision classifier, loads into these modules key by key.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import nn
from torchvision.models import mobilenet_v2, mobilenet_v3_large, resnet18, resnet50
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d

from fold import fold_frozen_norms

Norm = Literal["frozen", "batch", "group"]

# The layers that feed the pyramid. ResNets: strides 4, 8, 16 and 32. MobileNets start at
# stride 8: on a CPU the two 256-channel convolutions over a stride-4 map cost several times
# the whole body, and torchvision's own mobile detectors start at 16.
_RESNET_LAYERS = {"layer1": "0", "layer2": "1", "layer3": "2", "layer4": "3"}
_MOBILENET_V2_LAYERS = {"6": "0", "13": "1", "18": "2"}
_MOBILENET_V3_LAYERS = {"6": "0", "12": "1", "16": "2"}
_FPN_CHANNELS = 256


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with the largest of 32, 16, 8 … groups that divides the channels.

    Training from random weights with two pictures a batch needs it: batch statistics of
    two pictures are noise ("Rethinking ImageNet Pre-training", He et al. 2018).
    """
    groups = next(count for count in (32, 16, 8, 4, 2, 1) if channels % count == 0)
    return nn.GroupNorm(groups, channels)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "frozen": FrozenBatchNorm2d,
    "batch": nn.BatchNorm2d,
    "group": group_norm,
}


def build_backbone(name: str, norm: Norm) -> BackboneWithFPN:
    """The named body with a feature pyramid of 256 channels a level, the last one pooled."""
    norm_layer = NORMS[norm]
    if name.startswith("resnet"):
        make, expansion = (resnet18, 1) if name.startswith("resnet18") else (resnet50, 4)
        body: nn.Module = make(weights=None, norm_layer=norm_layer)
        channels = [width * expansion for width in (64, 128, 256, 512)]
        layers = _RESNET_LAYERS
    elif name == "mobilenet_v2_fpn":
        body = mobilenet_v2(weights=None, norm_layer=norm_layer).features
        channels, layers = [32, 96, 1280], _MOBILENET_V2_LAYERS
    elif name == "mobilenet_v3_large_fpn":
        # torchvision's own v3 uses eps 0.001, momentum 0.01: its weights expect that.
        v3_norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        layer = {"frozen": partial(FrozenBatchNorm2d, eps=0.001), "batch": v3_norm}.get(
            norm, norm_layer
        )
        body = mobilenet_v3_large(weights=None, norm_layer=layer).features
        channels, layers = [40, 112, 960], _MOBILENET_V3_LAYERS
    else:
        raise ValueError(f"unknown backbone {name!r}")
    # Without normalisation a pyramid that starts from random weights diverges unless gradients
    # are cut short. torchvision's COCO weights, which only the ResNet-50s have, are without.
    fpn_norm: Callable[[int], nn.Module] | None = group_norm
    if name == "resnet50_fpn" and norm == "frozen":
        fpn_norm = None
    if name == "resnet50_fpn_v2":
        fpn_norm = nn.BatchNorm2d
    pyramid = BackboneWithFPN(body, layers, channels, _FPN_CHANNELS, norm_layer=fpn_norm)
    fold_frozen_norms(pyramid.body)
    return pyramid


def freeze_stages(backbone: BackboneWithFPN, trainable_layers: int) -> None:
    """Leave the last `trainable_layers` (0..5) stages of the body to training, freeze the rest.

    Stage 1 is the stem; five stages are everything, as in torchvision's detection models.
    """
    frozen = 5 - trainable_layers
    for stage, modules in enumerate(_stages(backbone.body), start=1):
        if stage <= frozen:
            for module in modules:
                module.requires_grad_(False)


def _stages(body: nn.Module) -> list[list[nn.Module]]:
    """The body's children in five groups: the stem, then strides 4, 8, 16 and 32."""
    children = dict(body.named_children())
    if "layer1" in children:
        stem = [children["conv1"], children["bn1"]]
        return [stem] + [[children[f"layer{index}"]] for index in range(1, 5)]
    # MobileNet v2 and v3 are numbered lists; stride 4 ends at block 3, the others at 6 and on.
    bounds = [0, 1, 4, *(int(key) + 1 for key in body.return_layers)]  # type: ignore[union-attr]
    return [
        [children[str(index)] for index in range(start, end)]
        for start, end in zip(bounds, bounds[1:])
    ]
