"""A picture with what was found drawn on it: masks, boxes, names and scores.

Everything scales with the picture, so that a thumbnail of 200 pixels and a photograph of 4,000
are equally legible. Each instance has a colour of its own, so that neighbours stay apart.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from detection import Detection
from rle import MaskPart, decode_part

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Area = tuple[int, int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_TINT = 115  # of 255: how much of a mask's colour covers the picture
_GOLDEN_ANGLE = 0.618034  # of the colour circle: neighbours in the list are far apart on it


def draw(
    image: Pixels,
    detections: Sequence[Detection],
    class_names: Sequence[str],
    scores: bool = True,
    colours: Sequence[int] | None = None,
) -> Pixels:
    """A copy of an RGB picture with every detection drawn on it, the best ones on top.

    With `scores` off only the names are written, as is right for the truth. `colours` numbers the
    colour of each detection; without it each has its own.
    """
    picture = Image.fromarray(image).copy()
    line = max(1, round(min(picture.size) / 300))
    numbers = range(len(detections)) if colours is None else colours
    coloured = [(one, _colour(number)) for one, number in zip(detections, numbers, strict=True)]
    for detection, colour in reversed(coloured):
        if detection.rle is not None:
            _paint_mask(picture, decode_part(detection.rle), colour, line)
    pen = ImageDraw.Draw(picture)
    for detection, colour in reversed(coloured):
        x0, y0, x1, y1 = detection.box
        pen.rectangle(
            (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=colour, width=line
        )
    _write_labels(pen, picture.size, coloured, class_names, scores)
    return np.asarray(picture)


def _colour(index: int) -> Colour:
    """Strong colours: the hue walks by the golden angle, the lightness alternates."""
    hue = (0.58 + index * _GOLDEN_ANGLE) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, (1.0, 0.85, 0.7)[index % 3])
    return round(red * 255), round(green * 255), round(blue * 255)


def _paint_mask(picture: Image.Image, mask: MaskPart, colour: Colour, line: int) -> None:
    """Tint the mask and draw its contour."""
    paint = np.where(_shrunk(mask.bits, line), _TINT, mask.bits * np.uint8(255)).astype(np.uint8)
    if paint.size:
        picture.paste(colour, (mask.left, mask.top), Image.fromarray(paint))


def _shrunk(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """A mask less a rim of `by` pixels; what lies outside of it is no mask."""
    padded = np.pad(mask, by)
    return _shrunk_down(_shrunk_down(padded, by).T, by).T


def _shrunk_down(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Each row becomes what 2 * by + 1 rows share: every step doubles how many those are."""
    reach, wanted = 1, 2 * by + 1
    while reach < wanted:
        step = min(reach, wanted - reach)
        mask = mask[:-step] & mask[step:]
        reach += step
    return mask


def _write_labels(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    coloured: Sequence[tuple[Detection, Colour]],
    class_names: Sequence[str],
    scores: bool,
) -> None:
    font = ImageFont.load_default(max(10, round(min(size) / 36)))
    taken: list[Area] = []
    for detection, colour in coloured:
        name = " ".join(class_names[detection.label - 1].split())
        texts = [f"{name} {detection.score:.2f}", f"{detection.score:.2f}"] if scores else [name]
        text, area = _place(pen, size, detection.box, texts, font, taken)
        taken.append(area)
        pen.rectangle(area, fill=colour)
        middle = ((area[0] + area[2]) / 2, (area[1] + area[3]) / 2)
        pen.text(middle, text, fill=_readable_on(colour), font=font, anchor="mm")


def _place(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    texts: Sequence[str],
    font: Font,
    taken: Sequence[Area],
) -> tuple[str, Area]:
    """The longest text that fits the picture, over the box, or where no label is yet."""
    for text in texts:
        width, height = _text_size(pen, text, font)
        if width <= size[0]:
            break
    left, top, bottom = box[0], min(box[1], box[3]), max(box[1], box[3])
    wishes = [top - height, top, bottom, bottom - height, *np.arange(top, bottom, height)]
    areas = [_inside(left, wish, width, height, size) for wish in wishes]
    free = [area for area in areas if not any(_overlap(area, other) for other in taken)]
    return text, (free or areas)[0]


def _text_size(pen: ImageDraw.ImageDraw, text: str, font: Font) -> tuple[int, int]:
    left, _, right, _ = pen.textbbox((0, 0), text, font=font)
    _, top, _, bottom = pen.textbbox((0, 0), "Ågjy|", font=font)
    rim = (bottom - top) * 0.3
    return round(right - left + rim), round(bottom - top + rim)


def _inside(left: float, top: float, width: int, height: int, size: tuple[int, int]) -> Area:
    x = round(max(0, min(left, size[0] - width)))
    y = round(max(0, min(top, size[1] - height)))
    return x, y, x + width, y + height


def _overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _readable_on(colour: Colour) -> str:
    """Black or white, whichever has the higher contrast as WCAG measures it."""
    shares = [(value / 255) ** 2.2 for value in colour]
    light = 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2]
    return "black" if light > 0.179 else "white"
