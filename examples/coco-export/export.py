"""What a labelling tool hands over, here of drawn parts: `export.py FOLDER [PICTURES]`.

FOLDER/result.json and FOLDER/images/ as Label Studio exports COCO: category ids begin at 0,
outlines are polygons, file names have a mark in front. Needs numpy and Pillow.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 96, 72
#: name, corners, colour; a washer is nearly round.
PARTS = (("plate", 4, (70, 110, 190)), ("washer", 24, (200, 160, 60)))
Polygon = list[tuple[float, float]]


def outline(random: np.random.Generator, corners: int, left: int) -> Polygon:
    """A regular shape, turned anyhow, in one half of the picture."""
    radius = random.uniform(12, 20)
    x, y = left + random.uniform(radius, 48 - radius), random.uniform(radius, HEIGHT - radius)
    angles = random.uniform(0, 7) + np.arange(corners) * 2 * np.pi / corners
    points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1).round(2)
    return [(float(x), float(y)) for x, y in points]


def area(polygon: Polygon) -> float:
    """By the shoelace formula."""
    pairs = zip(polygon, [*polygon[1:], polygon[0]])
    return round(abs(sum(x * b - a * y for (x, y), (a, b) in pairs)) / 2, 2)


def annotation(number: int, image: int, category: int, polygon: Polygon) -> dict[str, object]:
    xs, ys = zip(*polygon)
    box = [min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2)]
    return {
        "id": number, "image_id": image, "category_id": category, "iscrowd": 0, "ignore": 0,
        "segmentation": [[place for point in polygon for place in point]],
        "bbox": box, "area": area(polygon),
    }  # fmt: skip


def export(folder: Path, count: int) -> None:
    """Pictures with one or two parts each, and the one JSON."""
    random = np.random.default_rng(4)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(count):
        grey = random.integers(200, 236, (HEIGHT, WIDTH, 1), dtype=np.uint8)
        picture = Image.fromarray(grey.repeat(3, 2))
        for half in range(1 + number % 2):
            category = int(random.integers(len(PARTS)))
            _, corners, colour = PARTS[category]
            polygon = outline(random, corners, 48 * half)
            ImageDraw.Draw(picture).polygon(polygon, fill=colour, outline=(40, 40, 40))
            annotations.append(annotation(len(annotations), number, category, polygon))
        mark = hashlib.sha256(picture.tobytes()).hexdigest()[:8]
        name = f"images/{mark}-shelf_{number + 1:02d}.png"
        picture.save(folder / name)
        images.append({"id": number, "width": WIDTH, "height": HEIGHT, "file_name": name})
    categories = [{"id": number, "name": name} for number, (name, *_) in enumerate(PARTS)]
    text = json.dumps({"images": images, "categories": categories, "annotations": annotations})
    (folder / "result.json").write_text(text)
    print(f"{folder}: {count} pictures, {len(annotations)} outlines in result.json")


if __name__ == "__main__":
    export(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 48)
