"""Masks of one picture to COCO RLE: our per-box way beside torchvision's paste and encode.

    python benchmarks/mask_rle.py

Prints, for pictures and numbers of detections as a server sees them, the milliseconds of both
(best of several rounds that take turns, one thread), the ratio, and that the bytes are the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from faster_coco_eval.core import mask as coco_mask
from numpy.typing import NDArray
from torchvision.models.detection.roi_heads import paste_masks_in_image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mask_r_cnn"))
from rle import encode_masks

Array = NDArray[np.float32]
SCENES = ((640, 480, 10), (640, 480, 100), (1280, 960, 10), (1280, 960, 100), (4000, 3000, 10))
ROUNDS = 5


def main() -> int:
    """Measure every scene; 1 when any mask differs."""
    torch.set_num_threads(1)
    print(f"{'picture':>12} {'masks':>6} {'paste+encode':>13} {'per box':>9} {'ratio':>7}  same")
    same = True
    for width, height, number in SCENES:
        masks, boxes = scene(width, height, number)
        ways: list[Callable[[], list[Any]]] = [
            lambda m=masks, b=boxes, h=height, w=width: pasted(m, b, h, w),  # type: ignore[misc]
            lambda m=masks, b=boxes, h=height, w=width: encode_masks(m, b, h, w),  # type: ignore[misc]
        ]
        results = [way() for way in ways]
        times = [min(column) for column in zip(*(timed(ways) for _ in range(ROUNDS)), strict=True)]
        equal = results[0] == results[1]
        same &= equal
        milliseconds = f"{times[0]:>10.1f} ms {times[1]:>6.1f} ms"
        ratio = f"{times[0] / times[1]:.1f}x"
        print(f"{f'{width}x{height}':>12} {number:>6} {milliseconds} {ratio:>7}  {equal}")
    return 0 if same else 1


def scene(width: int, height: int, number: int) -> tuple[Array, Array]:
    """Blobs as a mask head gives them, in boxes from a 20th of the picture to a half."""
    random = np.random.default_rng(number)
    coarse = torch.from_numpy(random.normal(size=(number, 1, 6, 6)))
    fine = torch.nn.functional.interpolate(coarse, size=(28, 28), mode="bicubic")
    extent = random.uniform(0.05, 0.5, (number, 2)) * (width, height)
    corner = random.uniform(0, 1, (number, 2)) * ((width, height) - extent)
    boxes = np.concatenate([corner, corner + extent], axis=1).astype(np.float32)
    masks: Array = torch.sigmoid(4 * fine)[:, 0].float().numpy()
    return masks, boxes


def pasted(masks: Array, boxes: Array, height: int, width: int) -> list[Any]:
    """torchvision's way: every mask in a float picture of its own, then COCO's encoder."""
    maps, places = torch.from_numpy(masks)[:, None], torch.from_numpy(boxes)
    full = paste_masks_in_image(maps, places, (height, width))
    bits = (full[:, 0] > 0.5).numpy().astype(np.uint8)
    return [coco_mask.encode(np.asfortranarray(mask)) for mask in bits]


def timed(ways: list[Callable[[], list[Any]]]) -> list[float]:
    """Milliseconds of process time of each way, one after the other."""
    times = []
    for way in ways:
        start = time.process_time()
        way()
        times.append((time.process_time() - start) * 1000)
    return times


if __name__ == "__main__":
    sys.exit(main())
