"""RoIAlign on one CPU thread, forward and backward: ours beside torchvision's, interleaved.

python benchmarks/roi_pooling.py
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import torch
from torchvision.ops import MultiScaleRoIAlign

from roi_align import BagRoIAlign

PAIRS = 7


def measure(kind: type[MultiScaleRoIAlign], size: int, boxes: int) -> float:
    """CPU seconds of one forward and backward pass over a 640 x 448 pyramid, two pictures."""
    generator = torch.Generator().manual_seed(0)
    maps = {
        str(i): torch.randn(2, 256, 448 // s, 640 // s, generator=generator)
        .contiguous(memory_format=torch.channels_last)
        .requires_grad_()
        for i, s in enumerate((8, 16, 32))
    }
    corner = torch.rand(2, boxes, 2, generator=generator) * torch.tensor([500.0, 300.0])
    sides = torch.rand(2, boxes, 2, generator=generator) * 140 + 8
    found = list(torch.cat([corner, corner + sides], dim=2))
    pool = kind(list(maps), output_size=size, sampling_ratio=2)
    began = time.process_time()
    pool(maps, found, [(448, 640)] * 2).sum().backward()
    return time.process_time() - began


def main() -> int:
    """Print a line of JSON for the box head's and the mask head's pooling."""
    torch.set_num_threads(1)
    for size, boxes in ((7, 128), (14, 32)):
        pairs = [
            (measure(MultiScaleRoIAlign, size, boxes), measure(BagRoIAlign, size, boxes))
            for _ in range(PAIRS)
        ]
        ratio = statistics.median(theirs / ours for theirs, ours in pairs)
        medians = [1000 * statistics.median(column) for column in zip(*pairs)]
        line = {"bins": size, "boxes": 2 * boxes, "ratio": round(ratio, 2)}
        print(json.dumps({**line, "torchvision_ms": medians[0], "ours_ms": medians[1]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
