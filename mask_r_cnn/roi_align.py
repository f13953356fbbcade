"""RoIAlign (He et al. 2017) for the CPU as one weighted embedding lookup (GPUs: canvas_align.py).

Every output bin is a weighted sum of feature-map pixels: with the pixels of all pyramid
levels as rows of one table, that is `embedding_bag`. Its rows are whole channels-last
pixels, so forward and backward run along contiguous memory; torchvision's CPU kernel goes
channel by channel and takes about nine times as long (benchmarks/roi_pooling.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag
from torchvision.ops import MultiScaleRoIAlign

from canvas_align import canvas_align
from resize import STRIDE


class BagRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """torchvision's MultiScaleRoIAlign, to 1e-4, by another road where there is no GPU."""

    def forward(
        self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """The features [sum of boxes, channels, P, P] under each box of each picture."""
        maps = [x[name] for name in self.featmap_names]
        scales = _scales(maps, image_shapes)
        if maps[0].device.type != "cpu":
            at = self._levels(torch.cat(list(boxes)).float(), scales)
            shape = (self.output_size, self.sampling_ratio)
            return canvas_align(maps, scales, boxes, at, shape)
        with torch.no_grad():
            rows, weights = self._lookups(maps, scales, boxes)
        # float32, as autocast has it for torchvision's kernel: sixteen terms add up in a bin.
        table = torch.cat([m.permute(0, 2, 3, 1).reshape(-1, m.shape[1]) for m in maps]).float()
        bins = embedding_bag(rows, table, per_sample_weights=weights, mode="sum")
        if torch.is_autocast_enabled("cpu"):
            # The heads round to this format anyway: half the bytes to put into their order.
            bins = bins.to(torch.get_autocast_dtype("cpu"))
        height, width = self.output_size
        return bins.view(-1, height, width, table.shape[1]).permute(0, 3, 1, 2)

    def _lookups(
        self, maps: Sequence[Tensor], scales: Sequence[float], boxes: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Rows of the table and their weights: [bins, 4 corners of each of the samples]."""
        pictures = torch.cat([torch.full((len(b),), i) for i, b in enumerate(boxes)])
        every = torch.cat(list(boxes)).float()
        level = self._levels(every, scales)
        heights = torch.tensor([m.shape[-2] for m in maps])[level]
        widths = torch.tensor([m.shape[-1] for m in maps])[level]
        scale = torch.tensor(scales)[level]
        sizes = [m.shape[0] * m.shape[-2] * m.shape[-1] for m in maps]
        first = torch.tensor([sum(sizes[:i]) for i in range(len(sizes))])[level]
        y, wy = self._axis(every[:, 1], every[:, 3], scale, heights, self.output_size[0])
        x, wx = self._axis(every[:, 0], every[:, 2], scale, widths, self.output_size[1])
        start = (first + pictures * heights * widths).view(-1, 1, 1, 1, 1)
        rows = start + y[:, :, None, :, None] * widths.view(-1, 1, 1, 1, 1)
        rows = rows + x[:, None, :, None, :]
        weights = wy[:, :, None, :, None] * wx[:, None, :, None, :]
        samples = (2 * self.sampling_ratio) ** 2
        return rows.reshape(-1, samples), weights.reshape(-1, samples)

    def _levels(self, boxes: Tensor, scales: Sequence[float]) -> Tensor:
        """The pyramid level of each box (Lin et al. 2017, equation 1), as torchvision has it."""
        side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
        level = torch.floor(self.canonical_level + torch.log2(side / self.canonical_scale) + 1e-6)
        lowest, highest = (int(-math.log2(scales[i])) for i in (0, -1))
        return (level.clamp(lowest, highest) - lowest).long()

    def _axis(
        self, low: Tensor, high: Tensor, scale: Tensor, length: Tensor, bins: int
    ) -> tuple[Tensor, Tensor]:
        """Along one axis: the two pixels at each sample and their weights, [boxes, bins, 2S]."""
        samples = self.sampling_ratio
        low, high = low * scale, high * scale
        step = (high - low).clamp(min=1.0) / bins
        offsets = torch.arange(bins)[:, None] + (torch.arange(samples)[None] + 0.5) / samples
        at = low.view(-1, 1, 1) + offsets[None] * step.view(-1, 1, 1)
        length = length.view(-1, 1, 1)
        inside = (at >= -1.0) & (at <= length)
        at = at.clamp(min=0.0)
        before = torch.minimum(at.floor(), length - 1.0)
        after = torch.minimum(before + 1, length - 1.0)
        share = torch.where(before >= length - 1, torch.zeros_like(at), at - before)
        weights = torch.stack([1 - share, share], -1) * inside.unsqueeze(-1) / samples
        return torch.stack([before, after], -1).long().flatten(2), weights.flatten(2)


def _scales(maps: Sequence[Tensor], image_shapes: Sequence[tuple[int, int]]) -> list[float]:
    """Each map's size by the pictures', as a power of two.

    By the padded pictures': by its own, a picture of 10 rows would seem to have large maps.
    """
    tallest = max(height for height, _ in image_shapes)
    padded = -(-tallest // STRIDE) * STRIDE
    return [2.0 ** round(math.log2(m.shape[-2] / padded)) for m in maps]
