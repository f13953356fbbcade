"""Makes pictures to train on: coloured balls, crates and stars that overlap on uneven ground.

    python local_test/sample_pictures.py FOLDER --count 40 --seed 1 --format coco

The same seed gives the same pictures, byte for byte. Formats: `coco` (annotations.json with
polygons, and RLE where another object hides a part, pictures in images/) and `mask_pairs`
(PNGImages/ and PedMasks/, as Penn-Fudan has them; one class, one value an instance).
Needs numpy and Pillow.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CLASSES = ("ball", "crate", "star")
#: With a gap, as COCO's own ids have them.
CATEGORY_IDS = (1, 2, 4)
#: Balls are red to orange, crates green to blue, stars pink to purple: as with real things,
#: colour says much about the class, but not all of it.
HUES = (10, 120, 205)
#: Outlines are drawn this much larger and scaled down, so that their edges are smooth.
SCALE = 4

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Thing:
    """One object as drawn: what is visible of it, and its outline where nothing hides it."""

    label: int
    mask: Mask
    outline: list[tuple[float, float]]
    hidden: bool


@dataclass(frozen=True)
class Scene:
    pixels: Pixels
    things: list[Thing]


def make_scene(random: np.random.Generator, width: int, height: int, most: int = 4) -> Scene:
    """One picture with 1 to `most` objects, later ones in front of earlier ones."""
    pixels = ground(random, width, height)
    drawn: list[tuple[int, Mask, list[tuple[float, float]]]] = []
    for _ in range(int(random.integers(1, most + 1))):
        label = int(random.integers(0, len(CLASSES)))
        outline = place(random, label, width, height)
        cover = coverage(outline, width, height)
        if overlaps_too_much(cover >= 0.5, [mask for _, mask, _ in drawn]):
            continue
        paint = texture(random, label, outline, width, height)
        pixels = pixels * (1 - cover[..., None]) + paint * cover[..., None]
        drawn.append((label, cover >= 0.5, outline))
    noisy = pixels + random.normal(0, 4, pixels.shape)
    return Scene(np.clip(noisy, 0, 255).astype(np.uint8), list(visible(drawn)))


def visible(
    drawn: list[tuple[int, Mask, list[tuple[float, float]]]],
) -> Iterator[Thing]:
    """What is seen of each object behind those that were drawn after it."""
    for index, (label, mask, outline) in enumerate(drawn):
        seen = mask.copy()
        for _, above, _ in drawn[index + 1 :]:
            seen &= ~above
        yield Thing(label, seen, outline, hidden=bool((seen != mask).any()))


def overlaps_too_much(mask: Mask, others: list[Mask]) -> bool:
    """True when less than half of any object behind, or hardly anything of this one, would show."""
    return mask.sum() < 64 or any((mask & other).sum() > 0.4 * other.sum() for other in others)


def ground(random: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """An uneven background: a gradient between two dull colours, and blotches."""
    one, two = random.uniform(70, 180, (2, 1)) + random.uniform(-20, 20, (2, 3))
    y, x = np.mgrid[0:height, 0:width]
    angle = random.uniform(0, 2 * np.pi)
    along = x / width * np.cos(angle) + y / height * np.sin(angle)
    along = (along - along.min()) / (np.ptp(along) or 1.0)
    blotches = random.normal(0, 1, (max(height // 16, 2), max(width // 16, 2)))
    rough = Image.fromarray(blotches.astype(np.float32)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    mixed: NDArray[np.float64] = (
        one + (two - one) * along[..., None] + 12 * np.asarray(rough)[..., None]
    )
    return mixed


def place(
    random: np.random.Generator, label: int, width: int, height: int
) -> list[tuple[float, float]]:
    """The outline of one object of a random size, place and turn."""
    radius = random.uniform(0.14, 0.26) * min(width, height)
    centre = (random.uniform(radius, width - radius), random.uniform(radius, height - radius))
    turn = random.uniform(0, 2 * np.pi)
    if CLASSES[label] == "ball":
        polar = [(radius, 2 * np.pi * i / 48) for i in range(48)]
    elif CLASSES[label] == "crate":
        corner = random.uniform(0.55, 1.0)
        polar = [(radius * 1.1, a) for a in (corner, np.pi - corner, np.pi + corner, -corner)]
    else:
        polar = [(radius * (1.15 if i % 2 == 0 else 0.5), np.pi * i / 5) for i in range(10)]
    return [
        (float(centre[0] + r * np.cos(a + turn)), float(centre[1] + r * np.sin(a + turn)))
        for r, a in polar
    ]


def coverage(outline: list[tuple[float, float]], width: int, height: int) -> NDArray[np.float64]:
    """How much of each pixel an outline covers, 0 to 1."""
    large = Image.new("L", (width * SCALE, height * SCALE))
    ImageDraw.Draw(large).polygon([(x * SCALE, y * SCALE) for x, y in outline], fill=255)
    part: NDArray[np.float64] = (
        np.asarray(large.resize((width, height), Image.Resampling.BOX)) / 255.0
    )
    return part


def texture(
    random: np.random.Generator,
    label: int,
    outline: list[tuple[float, float]],
    width: int,
    height: int,
) -> NDArray[np.float64]:
    """What an object is painted with: a shaded ball, a striped crate, a plain bright star."""
    colour = vivid(random, HUES[label])
    y, x = np.mgrid[0:height, 0:width]
    points = np.array(outline)
    centre, radius = points.mean(axis=0), np.ptp(points[:, 0]) / 2
    if CLASSES[label] == "ball":
        away = np.hypot(x - centre[0] + radius / 3, y - centre[1] + radius / 3) / radius
        shade = np.clip(1.25 - 0.55 * away, 0.3, 1.3)
    elif CLASSES[label] == "crate":
        edge = points[1] - points[0]
        across = ((x - centre[0]) * edge[0] + (y - centre[1]) * edge[1]) / np.hypot(*edge)
        shade = np.where(np.sin(across * 6 * np.pi / max(radius, 1)) > 0, 1.0, 0.6)
    else:
        shade = np.ones((height, width))
    painted: NDArray[np.float64] = colour * shade[..., None]
    return painted


def vivid(random: np.random.Generator, hue: int) -> NDArray[np.float64]:
    """A saturated colour of about a hue."""
    hue = (hue + int(random.integers(-30, 31))) % 256
    pixel = Image.new(
        "HSV", (1, 1), (hue, int(random.integers(170, 256)), int(random.integers(190, 256)))
    )
    colour: NDArray[np.float64] = np.asarray(pixel.convert("RGB"), dtype=np.float64)[0, 0]
    return colour


def counts(mask: Mask) -> list[int]:
    """COCO's uncompressed run lengths: down the columns, starting with background."""
    flat = np.concatenate([[False], mask.flatten(order="F")])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(n) for n in np.diff(np.concatenate([[0], edges, [mask.size]]))]


def annotation(thing: Thing, number: int, image_id: int) -> dict[str, Any]:
    """One COCO annotation: a polygon, or run lengths where a part is hidden."""
    rows, columns = np.flatnonzero(thing.mask.any(axis=1)), np.flatnonzero(thing.mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    height, width = thing.mask.shape
    segmentation: Any = [[round(value, 2) for point in thing.outline for value in point]]
    if thing.hidden:
        segmentation = {"size": [height, width], "counts": counts(thing.mask)}
    return {
        "id": number,
        "image_id": image_id,
        "category_id": CATEGORY_IDS[thing.label],
        "bbox": [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1],
        "area": int(thing.mask.sum()),
        "iscrowd": 0,
        "segmentation": segmentation,
    }


def write_coco(folder: Path, scenes: list[Scene]) -> None:
    """images/*.jpg and annotations.json."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, scene in enumerate(scenes, start=1):
        name = f"{number:05d}.jpg"
        Image.fromarray(scene.pixels).save(folder / "images" / name, quality=92)
        height, width = scene.pixels.shape[:2]
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for thing in scene.things:
            annotations.append(annotation(thing, len(annotations) + 1, number))
    categories = [{"id": i, "name": name} for i, name in zip(CATEGORY_IDS, CLASSES)]
    text = json.dumps({"images": images, "annotations": annotations, "categories": categories})
    (folder / "annotations.json").write_text(text, encoding="utf-8")


def write_mask_pairs(folder: Path, scenes: list[Scene]) -> None:
    """PNGImages/*.png and PedMasks/*_mask.png, one value an instance."""
    for name in ("PNGImages", "PedMasks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, scene in enumerate(scenes, start=1):
        mask = np.zeros(scene.pixels.shape[:2], np.uint8)
        for value, thing in enumerate(scene.things, start=1):
            mask[thing.mask] = value
        Image.fromarray(scene.pixels).save(folder / "PNGImages" / f"Scene{number:05d}.png")
        Image.fromarray(mask).save(folder / "PedMasks" / f"Scene{number:05d}_mask.png")


def make_pictures(
    folder: Path, count: int, seed: int, size: tuple[int, int] = (256, 192), layout: str = "coco"
) -> list[Scene]:
    """Writes `count` pictures with their annotations into a folder."""
    random = np.random.default_rng(seed)
    scenes = [make_scene(random, *size) for _ in range(count)]
    {"coco": write_coco, "mask_pairs": write_mask_pairs}[layout](folder, scenes)
    return scenes


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--height", type=int, default=192)
    parser.add_argument("--format", choices=("coco", "mask_pairs"), default="coco")
    given = parser.parse_args()
    make_pictures(given.folder, given.count, given.seed, (given.width, given.height), given.format)
    print(f"{given.count} pictures in {given.folder}")


if __name__ == "__main__":
    main()
