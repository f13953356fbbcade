"""Pictures with things in them, made by numbers: outlines as COCO JSON, as many as are wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

POINTS = 24
CLASSES = ("round", "pointed")
_LINKS = 20_000  # a file takes a limited number of names
Outlines = list[list[float]]


def write_scenes(
    folder: Path, pictures: int, instances: int, size: tuple[int, int], files: int = 16
) -> Path:
    """A channel of `pictures` entries with `instances` things each; its pictures are few files.

    `size` is (width, height). The names after the first `files` are links to these.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [_scene(number, instances, size) for number in range(min(files, pictures))]
    names = [f"{number:012}.jpg" for number in range(pictures)]
    annotations: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        place = number % _LINKS
        drawn, outlines = scenes[place % len(scenes)]
        if place < len(scenes):
            drawn.save(folder / name, quality=90)
        else:
            (folder / name).hardlink_to(folder / names[number - place + place % len(scenes)])
        first = len(annotations)
        annotations += [_annotation(first + k, number, one) for k, one in enumerate(outlines)]
    images = [
        {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        for number, name in enumerate(names)
    ]
    classes = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    document = {"images": images, "annotations": annotations, "categories": classes}
    (folder / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def _scene(number: int, instances: int, size: tuple[int, int]) -> tuple[Image.Image, Outlines]:
    """A cloudy picture and the outlines of what was painted on it; odd ones have points."""
    rng = np.random.default_rng([number, instances])
    clouds = rng.integers(0, 256, (9, 12, 3), np.uint8)
    image = Image.fromarray(clouds).resize(size, Image.Resampling.BICUBIC)
    painter = ImageDraw.Draw(image)
    outlines = [_outline(rng, size, kind % 2 == 1) for kind in range(instances)]
    for outline in outlines:
        painter.polygon(outline, fill=tuple(rng.integers(0, 256, 3).tolist()))
    grain = rng.integers(-12, 13, (size[1], size[0], 1))
    pixels = (np.array(image).astype(np.int16) + grain).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels), outlines


def _outline(rng: np.random.Generator, size: tuple[int, int], pointed: bool) -> list[float]:
    turn = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    radii = np.where(np.arange(POINTS) % 2, 0.5 if pointed else 1.0, 1.0)
    radius = min(size) * rng.uniform(0.06, 0.22)
    middle = rng.uniform(radius, np.array(size) - radius)
    points = np.stack([np.cos(turn), np.sin(turn)], 1) * (radius * radii)[:, None] + middle
    flat: list[float] = points.round(2).ravel().tolist()
    return flat


def _annotation(number: int, image: int, outline: list[float]) -> dict[str, Any]:
    xs, ys = outline[::2], outline[1::2]
    box = [min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2)]
    return {
        "id": number,
        "image_id": image,
        "category_id": 1 + number % 2,
        "segmentation": [outline],
        "bbox": box,
        "area": round(box[2] * box[3] * 0.7, 2),
        "iscrowd": 0,
    }
