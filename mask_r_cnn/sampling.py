"""Choosing which anchors and proposals a step learns from, reproducibly.

torchvision's sampler draws from the process's global generator: which rows a picture
gets then depends on the pictures before it. Here every picture brings its own seed, so
one process with a batch of four and two processes with two each draw the same rows,
and a resumed job draws what the uninterrupted one would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class SeededSampler:
    """Samples up to `size` rows a picture, at most `positive_fraction` of them positive.

    Takes the place of torchvision's `BalancedPositiveNegativeSampler`; the same ratio
    rules hold (Faster R-CNN, Ren et al. 2015, section 3.1.3).
    """

    def __init__(self, size: int, positive_fraction: float, stream: int) -> None:
        self.size = size
        self.positive_fraction = positive_fraction
        self.stream = stream
        self.seeds: Sequence[int] = ()

    def __call__(self, matched: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Two uint8 masks for each picture: chosen positives and chosen negatives."""
        if len(self.seeds) != len(matched):
            raise ValueError(f"{len(matched)} pictures but {len(self.seeds)} seeds")
        pairs = [self._sample(rows, seed) for rows, seed in zip(matched, self.seeds)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def _sample(self, matched: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator(device=matched.device)
        generator.manual_seed(seed * 2 + self.stream)
        positive = torch.where(matched >= 1)[0]
        negative = torch.where(matched == 0)[0]
        positives = min(positive.numel(), int(self.size * self.positive_fraction))
        negatives = min(negative.numel(), self.size - positives)
        return (
            _mask_of(matched, positive, positives, generator),
            _mask_of(matched, negative, negatives, generator),
        )


def _mask_of(like: Tensor, rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    order = torch.randperm(rows.numel(), device=rows.device, generator=generator)
    mask = torch.zeros_like(like, dtype=torch.uint8)
    mask[rows[order[:count]]] = 1
    return mask
