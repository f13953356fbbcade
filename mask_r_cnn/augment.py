"""One training example from one picture: random size, crop, flip and colours, all seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from instances import Picture
from mask_targets import Target, pack_masks
from pictures import read_picture
from raster import Crop, draw
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
    target: Target


@dataclass(frozen=True)
class Augmentation:
    """How a training picture is varied: `none`, `flip`, `multiscale` or `strong`."""

    name: str
    min_size: int
    max_size: int

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Example:
        """The picture, and boxes [n, 4], labels [n] and masks (`pack_masks`) in its pixels."""
        height, width = self._size(picture, rng)
        pixels = read_picture(picture.path, at_least=(height, width))
        image = resize_picture(pixels, height, width)
        crops = draw(picture, height, width)
        if self.name == "strong":
            window = _window((height, width), self.max_size, self.min_size, rng)
            image, crops = _cut(image, crops, window)
            image = _jitter_colours(image, rng)
        if self.name != "none" and rng.random() < 0.5:
            image, crops = image.flip(-1), [_mirrored(crop, image.shape[-1]) for crop in crops]
        labels = [one.label for one in picture.instances if not one.crowd]
        return Example(image, _target(crops, labels, (image.shape[-2], image.shape[-1])))

    def _size(self, picture: Picture, rng: np.random.Generator) -> tuple[int, int]:
        shares = {"multiscale": _MULTISCALE, "strong": _JITTER}.get(self.name)
        if shares is None:
            return fit_size((picture.height, picture.width), self.min_size, self.max_size)
        share = rng.uniform(*shares)
        size = fit_size((picture.height, picture.width), self.min_size, self.max_size)
        return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _target(crops: Sequence[Crop], labels: Sequence[int], size: tuple[int, int]) -> Target:
    """Boxes are taken from the masks as they are now, so cropping can not leave a stale one."""
    tight = [(_tight(crop), label) for crop, label in zip(crops, labels, strict=True)]
    seen = [(crop, label) for crop, label in tight if crop.pixels.size]
    boxes = [
        (c.left, c.top, c.left + c.pixels.shape[1], c.top + c.pixels.shape[0]) for c, _ in seen
    ]
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor([label for _, label in seen], dtype=torch.int64),
        **pack_masks([crop for crop, _ in seen], size),
    }


def _tight(crop: Crop) -> Crop:
    """The crop without empty rows and columns round its mask."""
    rows, columns = (np.flatnonzero(crop.pixels.any(axis)) for axis in (1, 0))
    if not len(rows):
        return Crop(crop.pixels[:0, :0], crop.left, crop.top)
    top, left = int(rows[0]), int(columns[0])
    pixels = crop.pixels[top : rows[-1] + 1, left : columns[-1] + 1]
    return Crop(pixels, crop.left + left, crop.top + top)


def _mirrored(crop: Crop, width: int) -> Crop:
    return Crop(crop.pixels[:, ::-1], width - crop.left - crop.pixels.shape[1], crop.top)


def _window(
    size: tuple[int, int], longest: int, shortest: int, rng: np.random.Generator
) -> tuple[slice, slice]:
    """At most the size that the picture would have had without jitter, at a random place."""
    height, width = size
    limit_h, limit_w = (shortest, longest) if height <= width else (longest, shortest)
    h, w = min(height, limit_h), min(width, limit_w)
    top = int(rng.integers(0, height - h + 1))
    left = int(rng.integers(0, width - w + 1))
    return slice(top, top + h), slice(left, left + w)


def _cut(
    image: Tensor, crops: Sequence[Crop], window: tuple[slice, slice]
) -> tuple[Tensor, list[Crop]]:
    """The part of picture and masks inside a window, in its pixels."""
    rows, columns = window
    cut = []
    for crop in crops:
        top, left = max(crop.top, rows.start), max(crop.left, columns.start)
        inside = crop.pixels[
            top - crop.top : max(rows.stop - crop.top, 0),
            left - crop.left : max(columns.stop - crop.left, 0),
        ]
        cut.append(Crop(inside, left - columns.start, top - rows.start))
    return image[:, rows, columns], cut


def _jitter_colours(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast and saturation each by up to a quarter."""
    brightness, contrast, saturation = rng.uniform(0.75, 1.25, 3)
    values = image.float() * float(brightness)
    grey = values.mean(0, keepdim=True)
    values = grey + (values - grey) * float(saturation)
    mean = grey.mean()
    values = mean + (values - mean) * float(contrast)
    return values.clamp_(0, 255).to(torch.uint8)
