"""One COCO annotation to one instance: polygons or run lengths, checked against its picture."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

import run_lengths
from instances import Box, Instance, Polygons, Rle, Segmentation
from raster import pixel_box

_ADVICE = "correct or remove them"
_SAME = 0.5  # overlap from which two boxes mean the same


class OutlineError(Exception):
    """An annotation cannot be used; what is a kind of problem, detail belongs to this one."""

    def __init__(self, what: str, detail: str = "", advice: str = _ADVICE) -> None:
        super().__init__(what)
        self.what = what
        self.detail = f" ({detail})" if detail else ""
        self.advice = advice


def compact(entry: dict[str, Any]) -> dict[str, Any]:
    """Turns the long lists of an object into arrays while JSON is read: a fifth of the memory."""
    for key in ("segmentation", "counts"):
        value = entry.get(key)
        if isinstance(value, list):
            entry[key] = [_array(part) for part in value] if _nested(value) else _array(value)
    return entry


def instance_of(
    entry: dict[str, Any], label: int, width: int, height: int, notes: Counter[str]
) -> Instance | None:
    """Reads an annotation; None when nothing of it has a surface, OutlineError when it is wrong."""
    given = entry.get("segmentation")
    if isinstance(given, dict):
        segmentation, area, box = _from_runs(given, width, height)
    else:
        segmentation, area, box = _from_polygons(given, width, height)
    if segmentation is None:
        return None
    drawn = _clipped(box, width, height)
    if not _has_surface(drawn):
        return None
    written = _written_box(entry.get("bbox"))
    if written is None or _overlap(written, drawn) < _SAME:
        # Parts may stick out that cover no pixel: only drawing tells
        if isinstance(segmentation, Polygons):
            drawn = pixel_box(segmentation, width, height)
        if not _has_surface(drawn):
            return None
        if written is None or _overlap(written, drawn) < _SAME:
            # Some tools write x0, y0, x1, y1 there
            notes["boxes taken from the outline"] += 1
            written = drawn
    box = _clipped(written, width, height)
    given_area = entry.get("area")
    if isinstance(given_area, int | float) and math.isfinite(given_area) and given_area > 0:
        area = float(given_area)
    return Instance(label, box, segmentation, area, crowd=entry.get("iscrowd") in (1, True, "1"))


def _from_polygons(given: Any, width: int, height: int) -> tuple[Segmentation | None, float, Box]:
    parts = [given] if isinstance(given, np.ndarray) else given
    if not isinstance(parts, list) or len(parts) == 0 or (len(parts) == 1 and len(parts[0]) == 0):
        raise OutlineError(
            "has annotations without a segmentation",
            advice="Mask R-CNN learns from outlines: draw them, or remove these annotations",
        )
    kept, area, box = [], 0.0, (math.inf, math.inf, -math.inf, -math.inf)
    for part in parts:
        points = _points(part)
        if len(points) == 0:
            continue
        extent = _extent(points, width, height)
        surface = _surface(points)
        # COCO itself has parts of two points; they hold no pixel
        if len(points) >= 3 and surface > 0:
            kept.append(points.ravel())
            area += surface
            box = _around(box, extent)
    return (Polygons(tuple(kept)), area, box) if kept else (None, 0.0, (0.0, 0.0, 0.0, 0.0))


def _from_runs(
    given: dict[str, Any], width: int, height: int
) -> tuple[Segmentation | None, float, Box]:
    if given.get("size") != [height, width]:
        raise OutlineError(
            "has run lengths of another size than the picture's",
            f"{given.get('size')}, the picture has [{height}, {width}]",
        )
    counts = given.get("counts")
    try:
        if isinstance(counts, str):
            runs = run_lengths.counts_of(counts.encode("ascii"), height * width)
        elif isinstance(counts, np.ndarray) and np.array_equal(counts, np.floor(counts)):
            runs = run_lengths.checked(counts.astype(np.int64), height * width)
        else:
            raise ValueError("its counts are neither a text nor whole numbers")
    except ValueError as error:
        reason = "its counts are not ASCII" if isinstance(error, UnicodeError) else str(error)
        raise OutlineError("has run lengths that cannot be read", reason) from None
    area, box = run_lengths.area_and_box(runs, height)
    return (Rle(run_lengths.text_of(runs)) if area else None), float(area), box


def _points(part: Any) -> npt.NDArray[np.float64]:
    """Gives an outline as rows of x, y."""
    if not isinstance(part, np.ndarray) or part.dtype.kind != "f" or part.size % 2:
        raise OutlineError("has outlines that are not x, y, x, y, … in numbers")
    return part.reshape(-1, 2)


def _extent(points: npt.NDArray[np.float64], width: int, height: int) -> Box:
    """Returns the box round an outline, which lies in its picture or not far from it."""
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    if not all(map(math.isfinite, (x0, y0, x1, y1))):  # one NaN makes the extremes NaN
        raise OutlineError("has outlines with values that are not numbers", "NaN or Infinity")
    reach = max(width, height)
    if min(x0, y0) < -reach or max(x1, y1) > 2 * reach:
        raise OutlineError(
            "has outlines far outside of their picture",
            f"x {x0:g} to {x1:g}, y {y0:g} to {y1:g} in {width} x {height}",
        )
    return (x0, y0, x1, y1)


def _around(one: Box, two: Box) -> Box:
    return (
        min(one[0], two[0]),
        min(one[1], two[1]),
        max(one[2], two[2]),
        max(one[3], two[3]),
    )


def _surface(points: npt.NDArray[np.float64]) -> float:
    """Area inside one outline, by the shoelace formula."""
    xs, ys = points.T
    inner = np.dot(xs[:-1], ys[1:]) - np.dot(xs[1:], ys[:-1])
    return float(abs(inner + xs[-1] * ys[0] - xs[0] * ys[-1])) / 2


def _written_box(given: Any) -> Box | None:
    """Reads COCO's x, y, width, height; None when it is missing or holds no surface."""
    try:
        x, y, width, height = map(float, given)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(x + y + width + height) or width <= 0 or height <= 0:
        return None
    return (x, y, x + width, y + height)


def _has_surface(box: Box) -> bool:
    return box[2] > box[0] and box[3] > box[1]


def _overlap(one: Box, two: Box) -> float:
    """Intersection over union; both grown by a pixel so that a thin line overlaps itself."""
    wide = min(one[2], two[2]) - max(one[0], two[0]) + 1
    high = min(one[3], two[3]) - max(one[1], two[1]) + 1
    if wide <= 0 or high <= 0:
        return 0.0
    areas = sum((box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (one, two))
    return wide * high / (areas - wide * high)


def _clipped(box: Box, width: int, height: int) -> Box:
    x0, y0, x1, y1 = box
    return (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))


def _nested(value: list[Any]) -> bool:
    return any(isinstance(part, list) for part in value)


def _array(part: Any) -> Any:
    """Turns a list of numbers into an array; anything else stays what it is, to be told later."""
    try:
        return np.array(part, np.float64)
    except (ValueError, TypeError, OverflowError):
        return part
