"""One channel that holds every form of annotation and every kind of picture that is promised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from run_lengths import counts_from_mask, text_of
from tests.mask_r_cnn.samples import square_mask, write_mask

SIZE = (64, 48)


def picture(seed: int) -> Image.Image:
    """A noisy picture."""
    noise = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)
    return Image.fromarray(noise)


def square(x: float, y: float, side: float) -> list[float]:
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def counts(x: int, y: int, side: int) -> Any:
    mask = np.zeros((48, 64), np.bool_)
    mask[y : y + side, x : x + side] = True
    return counts_from_mask(mask)


def write_every_form(folder: Path) -> dict[str, int]:
    """Writes the channel; returns what is in it."""
    pictures = _write_pictures(folder / "images" / "deep" / "down")
    annotations = _annotations(sorted(pictures))
    document = {
        "images": [
            {"id": 10 * number, "file_name": name, **pictures[name]}
            for number, name in enumerate(sorted(pictures))
        ],
        "annotations": annotations,
        "categories": [{"id": 90, "name": "last"}, {"id": 2, "name": "first"}],
    }
    (folder / "annotations").mkdir()
    text = json.dumps(document).encode("utf-8-sig")
    (folder / "annotations" / "instances.json").write_bytes(text)
    _write_pairs(folder)
    return {"pictures": len(pictures) + 4, "crowds": 2, "degenerate": 1}


def _write_pictures(folder: Path) -> dict[str, dict[str, int]]:
    folder.mkdir(parents=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    grey16 = Image.fromarray(np.asarray(picture(1).convert("L")).astype(np.uint16) * 257)
    palette = picture(2).convert("P")
    kinds: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("alpha.webp", picture(3).convert("RGBA"), {"lossless": True}),
        ("cmyk.jpg", picture(4).convert("CMYK"), {}),
        ("colour.jpg", picture(5), {}),
        ("crowded.png", picture(6), {}),
        ("empty.bmp", picture(7), {}),
        ("grey.jpg", picture(8).convert("L"), {}),
        ("grey16.png", grey16, {}),
        ("moving.gif", picture(9), {"save_all": True, "append_images": [picture(10)]}),
        ("one_bit.png", picture(11).convert("1"), {}),
        ("palette.png", palette, {"transparency": 3}),
        ("scan.tiff", grey16, {}),
        ("turned.jpg", picture(12).transpose(Image.Transpose.ROTATE_90), {"exif": turned}),
    ]
    for name, image, options in kinds:
        image.save(folder / name, **options)
    sizes = {path.name: {"width": SIZE[0], "height": SIZE[1]} for path in folder.iterdir()}
    sizes["scan.tiff"] = {}  # tools may leave the size out
    return sizes


def _annotations(names: list[str]) -> list[dict[str, Any]]:
    """Two polygons on each picture but the empty one, and the special forms on some."""
    found: list[dict[str, Any]] = []

    def add(name: str, segmentation: Any, **changes: Any) -> None:
        found.append(
            {
                "id": len(found),
                "image_id": 10 * names.index(name),
                "category_id": (2, 90)[len(found) % 2],
                "segmentation": segmentation,
                "iscrowd": 0,
                **changes,
            }
        )

    for name in names:
        if name != "empty.bmp":
            add(name, [square(5, 5, 20)], bbox=[5, 5, 20, 20], area=400)
            add(name, [square(30, 10, 30), square(1, 40, 4), [3, 3, 4, 4]])
    for place in range(198):
        add("crowded.png", [square(place % 20 * 3, place // 20 * 4, 3)])
    runs = counts(8, 8, 24)
    size = [SIZE[1], SIZE[0]]
    add("colour.jpg", {"size": size, "counts": runs.tolist()})
    add("colour.jpg", {"size": size, "counts": text_of(runs).decode()})
    add("grey.jpg", {"size": size, "counts": runs.tolist()}, iscrowd=1)
    add("turned.jpg", {"size": size, "counts": text_of(runs).decode()}, iscrowd=1)
    add("cmyk.jpg", [[9, 9, 9, 9, 9, 9]], bbox=[9, 9, 0, 0])
    return found


def _write_pairs(folder: Path) -> None:
    """Writes mask pairs of both layouts: 8 and 16 bits, palette, and a mask of nothing."""
    for number, name in enumerate(("one", "two")):
        place = folder / "PennFudanPed" / "PNGImages" / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        picture(20 + number).save(place)
    masks = folder / "PennFudanPed" / "PedMasks"
    write_mask(masks / "one_mask.png", square_mask((1, 2)))
    write_mask(masks / "two_mask.png", square_mask((500, 1000)))
    (folder / "more" / "images").mkdir(parents=True)
    (folder / "more" / "masks").mkdir()
    for number, name in enumerate(("three", "four")):
        picture(30 + number).save(folder / "more" / "images" / f"{name}.jpg")
    indices = Image.fromarray(square_mask((1, 2, 3)).astype(np.uint8)).convert("P")
    indices.save(folder / "more" / "masks" / "three.png")
    write_mask(folder / "more" / "masks" / "four.png", square_mask(()))
