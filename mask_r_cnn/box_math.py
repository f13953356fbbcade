"""Boxes as tensors of a size that is known beforehand: encode, decode, match, suppress.

The functions are torchvision's (`BoxCoder`, `Matcher`, `nms`); theirs look at the data, or build a
constant on the device, and each of that makes the host wait for a GPU. A box of no area stands for
no box: it overlaps nothing, suppresses nothing and is never drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import box_iou, nms

Weights = Sequence[float]
# Keeps what the network says of a box's growth from overflowing, as Detectron has it.
_MOST_GROWTH = math.log(1000.0 / 16)
# Wanted boxes that are compared with all others at once: more of them cost time, and no memory.
_TOGETHER = 64
# Chains of suppressions that are longer than this end undecided. The longest one among the 2,000
# best anchors of a level of a network trained on Penn-Fudan had 13 links.
ROUNDS = 24


def decode(moves: Tensor, boxes: Tensor, weights: Weights) -> Tensor:
    """Boxes [..., 4] moved and grown by what the network says of them."""
    wx, wy, ww, wh = weights
    sides = boxes[..., 2:] - boxes[..., :2]
    middles = boxes[..., :2] + 0.5 * sides
    dx, dy, dw, dh = moves.unbind(-1)
    shift = torch.stack((dx / wx, dy / wy), -1)
    growth = torch.stack((dw / ww, dh / wh), -1).clamp(max=_MOST_GROWTH)
    middles = shift * sides + middles
    half = 0.5 * (torch.exp(growth) * sides)
    return torch.cat((middles - half, middles + half), -1)


def encode(wanted: Tensor, boxes: Tensor, weights: Weights) -> Tensor:
    """What the network should say of `boxes` [n, 4], so that they become the `wanted` ones."""
    wx, wy, ww, wh = weights
    sides = boxes[:, 2:] - boxes[:, :2]
    middles = boxes[:, :2] + 0.5 * sides
    wanted_sides = wanted[:, 2:] - wanted[:, :2]
    shift = (wanted[:, :2] + 0.5 * wanted_sides - middles) / sides
    growth = torch.log(wanted_sides / sides)
    parts = (wx * shift[:, :1], wy * shift[:, 1:], ww * growth[:, :1], wh * growth[:, 1:])
    return torch.cat(parts, 1)


def match(
    wanted: Tensor, boxes: Tensor, low: float, high: float, weak: bool = False
) -> tuple[Tensor, Tensor]:
    """For each of [n, 4] boxes the wanted one that it overlaps most, and what it is to that one.

    1: overlaps it by `high` or more; 0: by less than `low`, background; -1: in between, neither.
    `weak` makes 1 also of the boxes that overlap a wanted one most, however little that is.
    """
    best, place = boxes.new_full((len(boxes),), -1.0), boxes.new_zeros(len(boxes)).long()
    nearest = torch.zeros_like(place, dtype=torch.bool)
    for start in range(0, len(wanted), _TOGETHER):
        overlaps = box_iou(wanted[start : start + _TOGETHER], boxes)
        most, which = overlaps.max(0)
        place = torch.where(most > best, which + start, place)
        best = torch.maximum(most, best)
        if weak:
            nearest |= (overlaps == overlaps.amax(1, keepdim=True)).any(0)
    kind = torch.where(best >= high, 1, torch.where(best < low, 0, -1))
    return place, torch.where(nearest, 1, kind)


class FixedSizes:
    """A module whose tensors have sizes known beforehand where their data is on a GPU.

    On the CPU, where a look at the data costs nothing, it leaves out what is not needed.
    """

    # Tests have the one way on the other device.
    fixed_sizes: bool | None = None

    def fixed(self, where: Tensor) -> bool:
        """Whether sizes must not depend on data."""
        return where.device.type != "cpu" if self.fixed_sizes is None else self.fixed_sizes


def one_by_one(boxes: Tensor, threshold: float) -> Tensor:
    """Which of [batch, n, 4] boxes, best first, a greedy non-maximum suppression keeps: bool."""
    order = torch.arange(boxes.shape[1], 0, -1, dtype=torch.float32, device=boxes.device)
    kept = torch.zeros(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
    for row, each in zip(kept, boxes):
        row[nms(each, order, threshold)] = True
    return kept


def settle(boxes: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    """`one_by_one` without a look at the data; with `labels` [batch, n] each of them for itself.

    It is the fixed point of "kept is what no kept one suppresses", sought for all boxes at once:
    after k rounds every box is decided that a chain of up to k suppressions leads to.
    """
    over = (_overlaps(boxes) > threshold).triu_(diagonal=1)
    if labels is not None:
        over &= labels[:, :, None] == labels[:, None, :]
    # Counts of up to 2,048 are exact in half precision, and larger ones are not zero either.
    over = over.to(torch.float32 if boxes.device.type == "cpu" else torch.float16)
    kept = over.new_ones((len(boxes), 1, boxes.shape[1]))
    against = torch.empty_like(kept)
    for _ in range(ROUNDS):
        # Into what is there: autocast would copy the matrix into another format every time.
        torch.bmm(kept, over, out=against)
        torch.eq(against, 0, out=kept)
    return kept[:, 0] > 0


def _overlaps(boxes: Tensor) -> Tensor:
    """The overlap of every box with every other, [batch, n, n]."""
    sides = boxes[..., 2:] - boxes[..., :2]
    area = sides[..., 0] * sides[..., 1]
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    common = (torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:]) - low).clamp_(min=0)
    both = common[..., 0] * common[..., 1]
    return both / (area[:, :, None] + area[:, None, :] - both)
