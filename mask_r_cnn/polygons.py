"""Outlines of masks: what COCO calls a polygon segmentation.

An outline runs along the edges of the pixels, so that it encloses exactly the pixels of the mask;
then corners that no eye sees (the stairs of a slope) are left out. COCO's polygons cannot have
holes: those are filled. Whoever needs every pixel asks for RLE.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rle import MaskPart

Corner = tuple[int, int]
Line = NDArray[np.float64]

TOLERANCE = 1.0  # pixels: stairs of one pixel become a slope


def polygons(part: MaskPart, tolerance: float = TOLERANCE) -> list[list[float]]:
    """Every connected part of a mask as [x0, y0, x1, y1, …], largest first.

    An outline is off by `tolerance` pixels at most.
    """
    corner = np.array([part.left, part.top], np.float64)
    rings = [ring for ring in _rings(part.bits) if _area(ring) > 0]
    outlines = [_simplified(ring, tolerance) + corner for ring in rings]
    outlines.sort(key=_area, reverse=True)
    return [[float(value) for value in outline.ravel()] for outline in outlines]


def _rings(mask: NDArray[np.bool_]) -> list[Line]:
    """Closed walks along the pixel edges with the mask on the right hand, holes the other way."""
    steps = _steps(mask)
    rings = []
    while steps:
        start = next(iter(steps))
        here, came = start, (0, 0)
        ring = []
        while True:
            ahead = steps[here]
            # Where two pixels touch by a corner, turn right: they stay apart.
            step = ahead[0] if len(ahead) == 1 or _right_of(came) != ahead[1] else ahead[1]
            ahead.remove(step)
            if not ahead:
                del steps[here]
            if step != came:
                ring.append(here)
            here, came = (here[0] + step[0], here[1] + step[1]), step
            if here == start and (here not in steps or _right_of(came) not in steps[here]):
                break
        rings.append(np.array(ring, np.float64))
    return rings


def _steps(mask: NDArray[np.bool_]) -> dict[Corner, list[Corner]]:
    """From each pixel corner, the steps along an edge between mask and no mask."""
    padded = np.pad(mask.astype(np.int8), 1)
    across = np.diff(padded, axis=0)[:, 1:-1]
    down = np.diff(padded, axis=1)[1:-1]
    steps: dict[Corner, list[Corner]] = {}
    for edges, sign, shift, step in (
        (across, 1, (0, 0), (1, 0)),  # the top of a pixel is walked to the right
        (across, -1, (1, 0), (-1, 0)),  # its bottom to the left
        (down, 1, (0, 1), (0, -1)),  # its left side up
        (down, -1, (0, 0), (0, 1)),  # its right side down
    ):
        rows, columns = np.nonzero(edges == sign)
        for x, y in zip((columns + shift[0]).tolist(), (rows + shift[1]).tolist(), strict=True):
            steps.setdefault((x, y), []).append(step)
    return steps


def _right_of(step: Corner) -> Corner:
    return -step[1], step[0]


def _area(ring: Line) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _simplified(ring: Line, tolerance: float) -> Line:
    """Douglas and Peucker's corners, from two that are far apart; at least three."""
    far = int(np.argmax(((ring - ring[0]) ** 2).sum(axis=1)))
    keep = np.zeros(len(ring) + 1, np.bool_)
    keep[[0, far, len(ring)]] = True
    closed = np.concatenate([ring, ring[:1]])
    waiting = [(0, far), (far, len(ring))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        distances = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(np.argmax(distances))
        if distances[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    chosen = ring[keep[:-1]]
    return chosen if len(chosen) > 2 else ring


def _distances(points: Line, start: Line, end: Line) -> Line:
    along = end - start
    away = points - start
    length = float(np.hypot(*along)) or 1.0
    distances: Line = np.abs(along[0] * away[:, 1] - along[1] * away[:, 0]) / length
    return distances
