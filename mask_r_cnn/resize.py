"""Bringing pictures to the network's working size: the same way in training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:  # serving on a CPU has no torch
    from torch import Tensor

# The deepest pyramid level has stride 32; sides that are no multiple would be cut unevenly.
STRIDE = 32


def fit_size(full: Sequence[int], min_size: int, max_size: int) -> tuple[int, int]:
    """(height, width): the short side at `min_size`, unless the long one would pass `max_size`."""
    height, width = full[0], full[1]
    scale = min(min_size / min(height, width), max_size / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_array(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The picture as uint8 [height, width, 3], antialiased bilinear, by Pillow.

    torch's filter in `resize_picture` is a port of this one: no pixel differs by more than 1.
    """
    if image.shape[:2] == (height, width):
        return image
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def resize_picture(image: NDArray[np.uint8], height: int, width: int) -> Tensor:
    """The picture ([H, W, 3] uint8) as a uint8 [3, height, width] tensor, antialiased bilinear."""
    import torch
    from torch.nn.functional import interpolate

    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    if tensor.shape[-2:] == (height, width):
        return tensor[0]
    return interpolate(tensor, (height, width), mode="bilinear", antialias=True)[0]


def stack_pictures(pictures: Sequence[Tensor]) -> tuple[Tensor, list[tuple[int, int]]]:
    """A uint8 batch [N, 3, H, W], zero-padded right and below, and each (height, width)."""
    import torch

    sizes = [(int(p.shape[-2]), int(p.shape[-1])) for p in pictures]
    height, width = (-(-max(side) // STRIDE) * STRIDE for side in zip(*sizes))
    batch = torch.zeros((len(pictures), 3, height, width), dtype=torch.uint8)
    for row, picture, (h, w) in zip(batch, pictures, sizes):
        row[:, :h, :w] = picture
    return batch, sizes
