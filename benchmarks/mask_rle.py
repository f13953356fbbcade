"""Masks of one picture to COCO RLE: our per-box way beside torchvision's paste and encode.

    python benchmarks/mask_rle.py [--small]

CPU milliseconds of both for pictures and numbers of detections as a server sees them, in turns on
one thread, and of writing the masks as JSON; the masks must be the same to the last pixel.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from faster_coco_eval.core import mask as coco_mask
from numpy.typing import NDArray
from torchvision.models.detection.roi_heads import paste_masks_in_image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mask_r_cnn"))
import measure
from detection import Detection
from response import JSON, Answer, Prediction, encode
from rle import encode_masks

Array = NDArray[np.float32]
SCENES = ((640, 480, 10), (640, 480, 100), (1280, 960, 10), (1280, 960, 100), (4000, 3000, 10))
ROUNDS = 5


def main() -> int:
    """Measure every scene; 1 when any mask differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="the first two pictures, two rounds")
    small = parser.parse_args().small
    torch.set_num_threads(1)
    result = {
        f"{width}x{height}, {number} masks": compare(width, height, number, 2 if small else ROUNDS)
        for width, height, number in (SCENES[:2] if small else SCENES)
    }
    if not small:
        facts = {**measure.machine("torch", "torchvision", "faster-coco-eval"), "scenes": result}
        measure.save("mask_rle", facts)
        bars = {name: row["times_as_fast"] for name, row in result.items()}
        title = "Masks of a picture to COCO RLE (one thread)"
        measure.bars("mask_rle", title, bars, "times as fast as torchvision's paste and encode")
    return 0 if all(row["identical"] for row in result.values()) else 1


def compare(width: int, height: int, number: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of both ways, and of writing our masks as JSON; are the masks the same?"""
    masks, boxes = scene(width, height, number)
    found = encode_masks(masks, boxes, height, width)
    identical = pasted(masks, boxes, height, width) == found
    prediction = prediction_of(found, boxes, height, width)
    ways: dict[str, Callable[[], Any]] = {
        "paste and encode": lambda: pasted(masks, boxes, height, width),
        "per box": lambda: encode_masks(masks, boxes, height, width),
        "to JSON": lambda: encode(prediction, JSON),
    }
    times = measure.interleaved(ways, rounds)
    each = statistics.median(a + b for a, b in zip(times["per box"], times["to JSON"])) / number
    row = {
        "cpu_ms": measure.milliseconds(times),
        "times_as_fast": round(measure.ratio(times, "paste and encode", "per box"), 1),
        "mask_to_json_us_a_detection": round(1e6 * each, 1),
        "identical": identical,
    }
    print(f"{width}x{height}, {number} masks: {row}", flush=True)
    return row


def prediction_of(rles: list[Any], boxes: Array, height: int, width: int) -> Prediction:
    """An answer with these masks."""
    detections = [
        Detection(1, 0.987654, tuple(box), rle)
        for box, rle in zip(boxes.tolist(), rles, strict=True)
    ]
    image = np.zeros((height, width, 3), np.uint8)
    return Prediction([Answer(1, image, detections)], ["thing"], [1])


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


if __name__ == "__main__":
    sys.exit(main())
