"""One training example from one picture: random size, crop, flip and colours, all seeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dataset import rasterise
from instances import Picture
from pictures import read_picture
from resize import fit_size, resize_picture

# Where multiscale draws its short side from, as a share of min_size (Detectron2 trains
# 800 px models on 640 to 800 px).
_MULTISCALE = (0.8, 1.0)
# Large-scale jitter, the mild half of "Simple Copy-Paste" (Ghiasi et al. 2021).
_JITTER = (0.6, 1.4)


@dataclass(frozen=True)
class Example:
    """A picture at working size, uint8 [3, H, W], and what is to be found in it."""

    image: Tensor
    target: dict[str, Tensor]


@dataclass(frozen=True)
class Augmentation:
    """How a training picture is varied: `none`, `flip`, `multiscale` or `strong`."""

    name: str
    min_size: int
    max_size: int

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Example:
        """The picture with its boxes [n, 4], labels [n] and masks [n, H, W] in the same pixels."""
        height, width = self._size(picture, rng)
        image = resize_picture(read_picture(picture.path), height, width)
        masks = torch.from_numpy(rasterise(picture, height, width))
        labels = torch.tensor(
            [i.label for i in picture.instances if not i.crowd], dtype=torch.int64
        )
        if self.name == "strong":
            image, masks = _crop(image, masks, self.max_size, self.min_size, rng)
            image = _jitter_colours(image, rng)
        if self.name != "none" and rng.random() < 0.5:
            image, masks = image.flip(-1), masks.flip(-1)
        return Example(image, _target(masks, labels))

    def _size(self, picture: Picture, rng: np.random.Generator) -> tuple[int, int]:
        shares = {"multiscale": _MULTISCALE, "strong": _JITTER}.get(self.name)
        if shares is None:
            return fit_size((picture.height, picture.width), self.min_size, self.max_size)
        share = rng.uniform(*shares)
        size = fit_size((picture.height, picture.width), self.min_size, self.max_size)
        return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _target(masks: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Boxes are taken from the masks as they are now, so cropping can not leave a stale one."""
    seen = masks.flatten(1).amax(1) > 0 if len(masks) else torch.zeros(0, dtype=torch.bool)
    masks, labels = masks[seen], labels[seen]
    boxes = _boxes_of(masks)
    return {"boxes": boxes, "labels": labels, "masks": masks}


def _boxes_of(masks: Tensor) -> Tensor:
    """[n, 4] x0, y0, x1, y1 around each non-empty mask, edges at pixel borders."""
    if not len(masks):
        return torch.zeros((0, 4))
    columns, rows = masks.amax(1).int(), masks.amax(2).int()
    x0, y0 = columns.argmax(1), rows.argmax(1)
    x1 = columns.shape[1] - columns.flip(1).argmax(1)
    y1 = rows.shape[1] - rows.flip(1).argmax(1)
    return torch.stack([x0, y0, x1, y1], dim=1).float()


def _crop(
    image: Tensor, masks: Tensor, longest: int, shortest: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """At most the size that the picture would have had without jitter, at a random place."""
    height, width = image.shape[-2:]
    limit_h, limit_w = (shortest, longest) if height <= width else (longest, shortest)
    h, w = min(height, limit_h), min(width, limit_w)
    top = int(rng.integers(0, height - h + 1))
    left = int(rng.integers(0, width - w + 1))
    return image[:, top : top + h, left : left + w], masks[:, top : top + h, left : left + w]


def _jitter_colours(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast and saturation each by up to a quarter."""
    brightness, contrast, saturation = rng.uniform(0.75, 1.25, 3)
    values = image.float() * float(brightness)
    grey = values.mean(0, keepdim=True)
    values = grey + (values - grey) * float(saturation)
    mean = grey.mean()
    values = mean + (values - mean) * float(contrast)
    return values.clamp_(0, 255).to(torch.uint8)
