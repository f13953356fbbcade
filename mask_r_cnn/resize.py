"""Bringing pictures to the network's working size: the same way in training and serving."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

# The deepest pyramid level has stride 32; sides that are no multiple would be cut unevenly.
_STRIDE = 32


def fit_size(full: Sequence[int], min_size: int, max_size: int) -> tuple[int, int]:
    """(height, width): the short side at `min_size`, unless the long one would pass `max_size`."""
    height, width = full[0], full[1]
    scale = min(min_size / min(height, width), max_size / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_picture(image: NDArray[np.uint8], height: int, width: int) -> Tensor:
    """The picture ([H, W, 3] uint8) as a uint8 [3, height, width] tensor, antialiased bilinear."""
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    if tensor.shape[-2:] == (height, width):
        return tensor[0]
    return interpolate(tensor, (height, width), mode="bilinear", antialias=True)[0]


def stack_pictures(pictures: Sequence[Tensor]) -> tuple[Tensor, list[tuple[int, int]]]:
    """A uint8 batch [N, 3, H, W], zero-padded right and below, and each (height, width)."""
    sizes = [(int(p.shape[-2]), int(p.shape[-1])) for p in pictures]
    height, width = (-(-max(side) // _STRIDE) * _STRIDE for side in zip(*sizes))
    batch = torch.zeros((len(pictures), 3, height, width), dtype=torch.uint8)
    for row, picture, (h, w) in zip(batch, pictures, sizes):
        row[:, :h, :w] = picture
    return batch, sizes
