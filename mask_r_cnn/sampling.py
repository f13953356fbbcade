"""Choosing which anchors and proposals a step learns from, reproducibly.

torchvision's sampler draws from the process's global generator: which rows a picture gets then
depends on the pictures before it. Here every picture brings its own seed, and every row a number
hashed from seed and place: one process with a batch of four, two processes with two each, a resumed
job, a CPU and a GPU all draw the same rows. How many rows are drawn is known beforehand, so that
no GPU is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_BITS = 30
_WORD = 1 << 64
# The finaliser of SplitMix64 (Steele, Lea, Flood 2014), as signed numbers.
_FACTORS = (0xBF58476D1CE4E5B9 - _WORD, 0x94D049BB133111EB - _WORD)
_GOLDEN = 0x9E3779B97F4A7C15 - _WORD


class Drawn(NamedTuple):
    """Rows of each picture, the positive ones first: all [pictures, size]."""

    rows: Tensor
    positive: Tensor
    used: Tensor  # false where a picture has not that many rows to draw from


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

    @property
    def most_positive(self) -> int:
        """How many positive rows a picture has at most."""
        return int(self.size * self.positive_fraction)

    def __call__(self, matched: Tensor) -> Drawn:
        """Rows of [pictures, n] labels: 1 and more are positive, 0 negative, others none."""
        if len(self.seeds) != len(matched):
            raise ValueError(f"{len(matched)} pictures but {len(self.seeds)} seeds")
        lots = self._lots(matched)
        keys = torch.where(matched >= 1, lots, -1)
        best, rows = keys.topk(min(self.most_positive, keys.shape[1]))
        # Chosen positives before all negatives; the other positives and what is ignored, nowhere.
        keys = torch.where(matched == 0, lots, -1)
        keys.scatter_(1, rows, torch.where(best >= 0, best + (1 << _BITS), keys.gather(1, rows)))
        best, rows = keys.topk(min(self.size, keys.shape[1]))
        return Drawn(rows, best >= 1 << _BITS, best >= 0)

    def _lots(self, matched: Tensor) -> Tensor:
        """A number of 30 bits for each row [pictures, n], from its picture's seed and its place."""
        places = torch.arange(matched.shape[1], device=matched.device) * _GOLDEN
        starts = [_signed(seed * 2 + self.stream) for seed in self.seeds]
        lots = torch.stack([places + start for start in starts])
        for shift, factor in zip((30, 27), _FACTORS):
            lots = (lots ^ (lots >> shift)) * factor
        return ((lots >> 31) & ((1 << _BITS) - 1)).int()


def _signed(seed: int) -> int:
    """A seed spread over all 64 bits: neighbouring seeds must not be neighbouring places."""
    for factor in _FACTORS:
        seed = ((seed ^ (seed >> 29)) * (factor % _WORD)) % _WORD
    return seed - _WORD if seed >= _WORD // 2 else seed
