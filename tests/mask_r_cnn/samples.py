"""Tiny channels that the tests build: a COCO file with pictures, or pictures with masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SQUARE = [10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0]


def write_picture(path: Path, width: int = 64, height: int = 48, colour: int = 90) -> Path:
    """Writes a one-coloured picture, as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (colour, 20, 200)).save(path)
    return path


def annotation(number: int = 1, image_id: int = 1, **changes: Any) -> dict[str, Any]:
    """A square of 20 x 20 pixels."""
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 3,
        "segmentation": [SQUARE],
        "bbox": [10, 10, 20, 20],
        "area": 400,
        "iscrowd": 0,
        **changes,
    }


def coco(**changes: Any) -> dict[str, Any]:
    """A COCO document of two pictures, two classes with a gap, and two instances."""
    return {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.jpg", "width": 64, "height": 48},
        ],
        "annotations": [annotation(1), annotation(2, image_id=2, category_id=7)],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        **changes,
    }


def write_coco(
    folder: Path, document: Any = None, pictures: tuple[str, ...] = ("a.jpg", "b.jpg")
) -> Path:
    """Writes annotations.json and the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in pictures:
        write_picture(folder / name)
    text = json.dumps(coco() if document is None else document)
    (folder / "annotations.json").write_text(text)
    return folder


def square_mask(values: tuple[int, ...] = (1, 2), width: int = 64, height: int = 48) -> Any:
    """Mask pixels: one square of 8 x 8 for each value."""
    mask = np.zeros((height, width), np.uint16)
    for place, value in enumerate(values):
        mask[4:12, 4 + 12 * place : 12 + 12 * place] = value
    return mask


def write_mask(path: Path, values: Any) -> Path:
    """Writes mask pixels as a grey PNG of 8 bits, or 16 where the values need them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = np.uint8 if values.max() < 256 else np.uint16
    Image.fromarray(values.astype(kind)).save(path)
    return path


def write_pairs(folder: Path, names: tuple[str, ...] = ("one", "two")) -> Path:
    """Writes pictures and masks the Penn-Fudan way."""
    for name in names:
        write_picture(folder / "PNGImages" / f"{name}.png")
        write_mask(folder / "PedMasks" / f"{name}_mask.png", square_mask())
    return folder
