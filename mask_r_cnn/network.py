"""Mask R-CNN (He et al. 2017, arXiv 1703.06870) without torchvision's resize and paste.

torchvision's model resizes pictures inside `forward` and pastes every mask into a
full-size float picture. Here pictures come in at their working size and masks go out as
the M×M probabilities that the head predicts; `rle.py` turns those into COCO RLE without
ever making a full-size mask. Modules, losses and state dict are torchvision's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.models.detection.rpn import RPNHead

from backbone import Norm, build_backbone
from heads import Heads
from roi_align import BagRoIAlign
from rpn import Proposer
from sampling import SeededSampler

# ImageNet's channel means and deviations, which every pretrained body expects.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
# Predictions under this score are never kept: "return everything" costs a class-wise NMS
# over a thousand boxes a class and helps nobody; COCO evaluation uses the same floor.
LOWEST_SCORE = 0.05
# Sides of the anchors on the four levels (strides 8 to 64) of a MobileNet's pyramid.
MOBILE_ANCHORS = ((32, 45), (64, 90), (128, 181), (256, 362))


class Network(MaskRCNN):  # type: ignore[misc]
    """Mask R-CNN over a batch of same-size uint8 pictures."""

    def forward(
        self,
        pictures: Tensor,
        sizes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
        seeds: Sequence[int] = (),
    ) -> Any:
        """Losses by name in training; else a dict of boxes, labels, scores, masks a picture.

        `pictures` is uint8 [N, 3, H, W], padded at the right and bottom; `sizes` holds each
        picture's own (height, width) in it; boxes are in its pixels. masks are [n, 1, M, M].
        """
        images = ImageList(self._normalised(pictures), sizes)
        for sampler in (self.rpn.fg_bg_sampler, self.roi_heads.fg_bg_sampler):
            sampler.seeds = seeds
        features = self.backbone(images.tensors)
        proposals, rpn_losses = self.rpn(images, features, targets)
        detections, roi_losses = self.roi_heads(features, proposals, sizes, targets)
        return {**roi_losses, **rpn_losses} if self.training else detections

    def _normalised(self, pictures: Tensor) -> Tensor:
        known = self._statistics(pictures.device)
        # Padding stays black here and not mean-grey: it is the same in training and serving.
        floats = (pictures.to(torch.float32) - known[0]) / known[1]
        return floats.contiguous(memory_format=torch.channels_last)

    def _statistics(self, device: torch.device) -> Tensor:
        """The channels' means and deviations; made once, as making them makes a GPU wait."""
        kept: dict[torch.device, Tensor] = self.__dict__.setdefault("_kept_statistics", {})
        if device not in kept:
            with torch.inference_mode(False):
                both = torch.tensor([_MEAN, _STD], device=device).view(2, 1, 3, 1, 1) * 255
            kept[device] = both
        return kept[device]


def build_network(
    backbone: str, norm: Norm, num_classes: int, max_detections: int, rois_per_image: int = 512
) -> Network:
    """An untrained network; `num_classes` counts the background as class 0."""
    pyramid = build_backbone(backbone, norm)
    levels = ["0", "1", "2"] if backbone.startswith("mobilenet") else ["0", "1", "2", "3"]
    heads: dict[str, Any] = {
        "box_roi_pool": BagRoIAlign(levels, output_size=7, sampling_ratio=2),
        "mask_roi_pool": BagRoIAlign(levels, output_size=14, sampling_ratio=2),
    }
    if backbone == "resnet50_fpn_v2":
        heads |= _second_version_heads(pyramid.out_channels)
    elif backbone.startswith("mobilenet"):
        heads["rpn_anchor_generator"] = AnchorGenerator(
            MOBILE_ANCHORS, ((0.5, 1.0, 2.0),) * len(MOBILE_ANCHORS)
        )
    network = Network(
        pyramid,
        num_classes=num_classes,
        box_score_thresh=LOWEST_SCORE,
        box_detections_per_img=max_detections,
        # Detectron2's number; torchvision keeps 2000, which costs more and teaches no more.
        rpn_post_nms_top_n_train=1000,
        **heads,
    )
    for head in (
        network.rpn.head,
        network.roi_heads.box_predictor,
        network.roi_heads.mask_predictor,
    ):
        head.register_forward_hook(_in_float32)
    # The same modules, names and numbers; only what they do with their answers is ours.
    network.rpn.__class__, network.roi_heads.__class__ = Proposer, Heads
    network.rpn.fg_bg_sampler = SeededSampler(256, 0.5, stream=0)
    network.roi_heads.fg_bg_sampler = SeededSampler(rois_per_image, 0.25, stream=1)
    return network


def _in_float32(module: nn.Module, inputs: Any, output: Any) -> Any:
    """Take what a head answers out of autocast's format before boxes are made of it.

    torchvision decodes boxes in the format of the head's answer: in bfloat16, with its eight
    bits, a corner at 600 px moves by up to 2 px and a thin box gets no width at all, whose
    logarithm is no number.
    """
    if isinstance(output, torch.Tensor):
        return output.float()
    return type(output)(_in_float32(module, inputs, part) for part in output)


def _second_version_heads(channels: int) -> dict[str, nn.Module]:
    """The deeper heads of torchvision's `maskrcnn_resnet50_fpn_v2` (Li et al. 2021)."""
    anchors = AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5)
    return {
        "rpn_anchor_generator": anchors,
        "rpn_head": RPNHead(channels, anchors.num_anchors_per_location()[0], conv_depth=2),
        "box_head": FastRCNNConvFCHead(
            (channels, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d
        ),
        "mask_head": MaskRCNNHeads(channels, [256] * 4, 1, norm_layer=nn.BatchNorm2d),
    }
