"""Masks of a training picture as crops: as large as their things, whatever the picture's size.

Full masks of 200 things at 800 x 1333 pixels take 0.2 GB a picture and four times that as floats;
crops with a margin of one pixel give the mask head the same targets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import roi_align

from raster import Crop

Target = dict[str, Tensor]


def pack_masks(crops: Sequence[Crop], size: tuple[int, int]) -> Target:
    """`masks`, uint8 [n, h, w] padded to the largest, and `corners` [n, 2], their x and y.

    Each has a margin of one pixel: 0, or at the picture's edges what the edge is, as RoIAlign
    itself goes on there. `size` is the picture's (height, width).
    """
    height = max((crop.pixels.shape[0] for crop in crops), default=0) + 2
    width = max((crop.pixels.shape[1] for crop in crops), default=0) + 2
    masks = np.zeros((len(crops), height, width), np.uint8)
    for mask, crop in zip(masks, crops, strict=True):
        h, w = crop.pixels.shape
        mask[1 : h + 1, 1 : w + 1] = crop.pixels
        if crop.left == 0:
            mask[:, 0] = mask[:, 1]
        if crop.left + w == size[1]:
            mask[:, w + 1] = mask[:, w]
        if crop.top == 0:
            mask[0] = mask[1]
        if crop.top + h == size[0]:
            mask[h + 1] = mask[h]
    corners = [(crop.left - 1, crop.top - 1) for crop in crops]
    return {
        "masks": torch.from_numpy(masks),
        "corners": torch.tensor(corners, dtype=torch.int64).reshape(-1, 2),
    }


def mask_targets(
    targets: Sequence[Target], boxes: Sequence[Tensor], matched: Sequence[Tensor], size: int
) -> Tensor:
    """What the mask head should answer, [all boxes, size, size]: each box's part of its mask.

    `matched` holds the thing of each box. Masks without corners are as large as the picture.
    """
    parts = [_of_picture(*each, size) for each in zip(targets, boxes, matched, strict=True)]
    return torch.cat(parts)


def _of_picture(target: Target, boxes: Tensor, matched: Tensor, size: int) -> Tensor:
    masks, corners = target["masks"], target.get("corners")
    if not len(masks):
        return boxes.new_zeros((len(boxes), size, size))
    if corners is not None:
        boxes = boxes - corners[matched].repeat(1, 2)
    regions = torch.cat([matched[:, None].to(boxes), boxes], dim=1)
    # torchvision reads half a pixel beside (aligned=False), and half of that is undone by how it
    # shrinks masks. Ours are drawn in place: read so, they cost a point of mask AP.
    found: Tensor = roi_align(masks[:, None].to(boxes), regions, (size, size), 1.0, aligned=True)
    return found[:, 0]
