"""Outlines enclose the pixels of their mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as reference

from polygons import polygons
from rle import MaskPart, decode_mask

Mask = NDArray[np.uint8]


def whole(mask: Any) -> MaskPart:
    return MaskPart(0, 0, np.asarray(mask, np.bool_))


def drawn(outlines: list[list[float]], height: int, width: int) -> Mask:
    """What COCO makes of the outlines."""
    if not outlines:
        return np.zeros((height, width), np.uint8)
    merged = reference.merge(reference.frPyObjects(outlines, height, width))
    decoded: Mask = decode_mask(merged)
    return decoded


def filled(mask: Mask) -> Mask:
    """The mask with its holes filled: what cannot be reached from outside, by sides or corners."""
    outside = np.zeros(tuple(side + 2 for side in mask.shape), np.bool_)
    outside[0, 0] = True
    free = np.pad(mask == 0, 1, constant_values=True)
    while True:
        grown = outside.copy()
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                grown |= np.roll(outside, (down, across), (0, 1))
        grown &= free
        if (grown == outside).all():
            return (~outside[1:-1, 1:-1]).astype(np.uint8)
        outside = grown


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(masks)
@settings(max_examples=300, deadline=None)
def test_exact_outlines_are_the_mask_with_its_holes_filled(mask: Mask) -> None:
    result = drawn(polygons(whole(mask), tolerance=0), *mask.shape)
    assert (result >= mask).all()
    assert (result <= filled(mask)).all()


@pytest.mark.parametrize("seed", range(10))
def test_short_outlines_are_close(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:200, :300]
    centre, radius = random.uniform(60, 140, 2), random.uniform(15, 55, 2)
    mask = (((rows - centre[0]) / radius[0]) ** 2 + ((columns - centre[1]) / radius[1]) ** 2) < 1
    outlines = polygons(whole(mask))
    assert overlap(drawn(outlines, 200, 300), mask.astype(np.uint8)) > 0.95
    assert len(outlines) == 1 and len(outlines[0]) < 120


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["."], []),
        (["#"], [[0, 0, 1, 0, 1, 1, 0, 1]]),
        (["..", ".#"], [[1, 1, 2, 1, 2, 2, 1, 2]]),
        (["###", "###"], [[0, 0, 3, 0, 3, 2, 0, 2]]),
        (["###", "#.#", "###"], [[0, 0, 3, 0, 3, 3, 0, 3]]),
        (["#.", ".#"], [[0, 0, 1, 0, 1, 1, 0, 1], [1, 1, 2, 1, 2, 2, 1, 2]]),
    ],
)
def test_small_masks(rows: list[str], expected: Any) -> None:
    mask = np.array([[letter == "#" for letter in row] for row in rows], np.uint8)
    assert polygons(whole(mask)) == expected


def test_the_largest_part_comes_first() -> None:
    mask = np.zeros((50, 50), np.uint8)
    mask[1:4, 1:4] = mask[10:40, 10:40] = 1
    assert [max(outline) for outline in polygons(whole(mask))] == [40, 4]


def test_an_outline_lies_where_the_part_lies() -> None:
    part = MaskPart(7, 5, np.ones((2, 3), np.bool_))
    assert polygons(part) == [[7, 5, 10, 5, 10, 7, 7, 7]]
