"""RoIAlign (He et al. 2017) over a whole pyramid in one call, for GPUs.

torchvision's MultiScaleRoIAlign looks which boxes belong to which level, and for each the host
waits. Here the levels lie side by side on one canvas, and a box is moved to where its level lies:
one kernel forward and one backward, and no look at the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import roi_align

# Beside each level its last row and column once more, as RoIAlign sees it beyond the middle of a
# pixel at the edge, and then one of zeros.
_GAP = 2
Place = tuple[int, int]  # of a level's first pixel: row, column


def canvas_align(
    maps: Sequence[Tensor],
    scales: Sequence[float],
    boxes: Sequence[Tensor],
    level: Tensor,
    bins: tuple[Sequence[int], int],
) -> Tensor:
    """Features [boxes, channels, P, P] under the boxes of each picture; `level` is of all boxes.

    `bins` is (P, P) and the samples along a side of each. As torchvision's to 1e-4, but for boxes
    that end at a picture's edge and are narrower than one pixel of their level.
    """
    places = layout(maps)
    canvas = _Canvas.apply(places, *maps)  # type: ignore[no-untyped-call]
    every = torch.cat(list(boxes)).float()
    ids = [torch.full_like(mine[:, :1], i, dtype=torch.float32) for i, mine in enumerate(boxes)]
    columns, rows = every[:, 0::2], every[:, 1::2]
    for index, ((top, left), scale) in enumerate(zip(places, scales)):
        here = (level == index)[:, None]
        columns = torch.where(here, every[:, 0::2] * scale + left, columns)
        rows = torch.where(here, every[:, 1::2] * scale + top, rows)
    corners = torch.stack((columns, rows), -1).flatten(1)
    pooled: Tensor = roi_align(
        canvas, torch.cat((torch.cat(ids), corners), 1), list(bins[0]), 1.0, bins[1]
    )
    return pooled


def layout(maps: Sequence[Tensor]) -> list[Place]:
    """The first level at the left, the others one under the other beside it."""
    places = [(0, 0)]
    top = 0
    for level in maps[1:]:
        places.append((top, maps[0].shape[-1] + _GAP))
        top += level.shape[-2] + _GAP
    return places


class _Canvas(torch.autograd.Function):
    """All levels [N, C, h, w] on one float32 [N, C, H, W]: each is read once, and copied once."""

    @staticmethod
    def forward(ctx: Any, places: Sequence[Place], *maps: Tensor) -> Tensor:
        ctx.places, ctx.like = places, [(m.shape[-2:], m.dtype) for m in maps]
        height = max(top + m.shape[-2] for (top, _), m in zip(places, maps)) + _GAP
        width = max(left + m.shape[-1] for (_, left), m in zip(places, maps)) + _GAP
        canvas = maps[0].new_zeros((*maps[0].shape[:2], height, width), dtype=torch.float32)
        for (top, left), level in zip(places, maps):
            bottom, right = top + level.shape[-2], left + level.shape[-1]
            canvas[..., top:bottom, left:right] = level
            canvas[..., bottom, left:right] = level[..., -1, :]
            canvas[..., top : bottom + 1, right] = canvas[..., top : bottom + 1, right - 1]
        return canvas

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Every copy's gradient goes back to the pixel that it was made of."""
        found = []
        for (top, left), ((high, wide), dtype) in zip(ctx.places, ctx.like):
            part = grads[0][..., top : top + high + 1, left : left + wide + 1].clone()
            part[..., -2] += part[..., -1]
            part[..., -2, :] += part[..., -1, :]
            found.append(part[..., :-1, :-1].to(dtype, memory_format=torch.channels_last))
        return None, *found
