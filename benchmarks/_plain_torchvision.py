"""Plain torchvision: its own Mask R-CNN in float32, trained and asked as its references do it.

Nothing of ours is in here but the reading of pictures: FrozenBatchNorm2d as a module, its RoIAlign
kernel, 2000 proposals in training, pictures resized inside the model, masks pasted, pycocotools.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from backbone import Norm, build_backbone
from dataset import Dataset, rasterise
from evaluation import Detection
from instances import Picture
from loader import epoch_order, tall
from network import MOBILE_ANCHORS
from pictures import read_picture


def plain_model(
    backbone: str, norm: Norm, num_classes: int, sizes: tuple[int, int], rois: int = 512
) -> MaskRCNN:
    """torchvision's model over the pyramid of that name; our state dicts load into it."""
    if backbone == "resnet50_fpn_v2":
        raise ValueError("resnet50_fpn_v2 has other heads: it is not compared here")
    with patch("backbone.fold_frozen_norms"):  # its norms stay layers of their own
        pyramid = build_backbone(backbone, norm)
    mobile = backbone.startswith("mobilenet")
    levels = ["0", "1", "2"] if mobile else ["0", "1", "2", "3"]
    anchors = AnchorGenerator(MOBILE_ANCHORS, ((0.5, 1.0, 2.0),) * 4) if mobile else None
    return MaskRCNN(
        pyramid,
        num_classes=num_classes,
        min_size=sizes[0],
        max_size=sizes[1],
        rpn_anchor_generator=anchors,
        box_roi_pool=MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
        box_batch_size_per_image=rois,
    )


def plain_batches(training: Dataset, size: int, seed: int, epoch: int) -> Iterator[Any]:
    """An epoch in batches of one orientation, as the references group them; flips by chance."""
    rng = np.random.default_rng([seed, epoch, 1])
    for chosen in epoch_order(tall(training.pictures), size, seed, epoch):
        yield tuple(zip(*(plain_example(training.pictures[i], rng) for i in chosen)))


def plain_example(picture: Picture, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """A float picture at its own size, flipped half of the time, with masks as large as it is."""
    image = as_float(picture)
    masks = torch.from_numpy(rasterise(picture, picture.height, picture.width))
    boxes = torch.tensor([i.box for i in picture.instances if not i.crowd]).reshape(-1, 4)
    labels = torch.tensor([i.label for i in picture.instances if not i.crowd])
    if rng.random() < 0.5:
        image, masks = image.flip(-1), masks.flip(-1)
        boxes = boxes[:, [2, 1, 0, 3]]
        boxes[:, [0, 2]] = picture.width - boxes[:, [0, 2]]
    return image, {"boxes": boxes.float(), "labels": labels, "masks": masks}


def as_float(picture: Picture) -> Tensor:
    """The picture as torchvision wants it: [3, H, W] in 0 to 1."""
    return torch.from_numpy(read_picture(picture.path).copy()).permute(2, 0, 1).float() / 255


def plain_rate(step: int, total: int, rate: float, warmup: int) -> float:
    """A linear warm-up, then half a cosine."""
    rise = min(1.0, (step + 1) / (warmup + 1))
    return rate * rise * 0.5 * (1 + math.cos(math.pi * step / total))


def plain_step(
    model: MaskRCNN, optimizer: torch.optim.Optimizer, batch: Any, rate: float, clip: float
) -> float:
    """One step of torchvision's references with clipped gradients; the loss."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    images, targets = batch
    loss = sum(model(list(images), list(targets)).values())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return float(loss.detach())


@torch.inference_mode()
def plain_answers(model: MaskRCNN, pictures: Sequence[Picture]) -> dict[int, list[Detection]]:
    """What the model finds in every picture, masks pasted and encoded by pycocotools."""
    training = model.training
    model.eval()
    found = {}
    for picture in pictures:
        output = model([as_float(picture)])[0]
        masks = (output["masks"][:, 0] > 0.5).numpy().astype(np.uint8)
        rles = [coco_mask.encode(np.asfortranarray(mask)) for mask in masks]
        found[picture.image_id] = [
            Detection(int(label), float(score), tuple(box), rle)
            for label, score, box, rle in zip(
                output["labels"], output["scores"], output["boxes"].tolist(), rles, strict=True
            )
        ]
    model.train(training)
    return found
