"""Run lengths are COCO's own, and no run lengths of a stranger do harm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

import run_lengths


def drawn(counts: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Puts the crop of some counts back into its picture."""
    crop, left, top = run_lengths.crop_from_counts(counts, shape[0])
    whole = np.zeros(shape, np.uint8)
    whole[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    return whole


masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(masks)
def test_written_and_read_as_pycocotools_does(mask: np.ndarray) -> None:
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = run_lengths.counts_from_mask(mask)
    assert run_lengths.text_of(counts) == theirs["counts"]
    assert (run_lengths.counts_of(theirs["counts"], mask.size) == counts).all()
    assert (drawn(counts, mask.shape) == mask).all()


@given(masks)
def test_area_and_box_are_those_of_pycocotools(mask: np.ndarray) -> None:
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    area, box = run_lengths.area_and_box(run_lengths.counts_from_mask(mask), mask.shape[0])
    x, y, width, height = coco_mask.toBbox(theirs).tolist()
    assert area == coco_mask.area(theirs)
    assert box == ((x, y, x + width, y + height) if area else (0, 0, 0, 0))


def test_long_runs_are_written_as_pycocotools_does() -> None:
    mask = np.zeros((3000, 4000), np.bool_)
    mask[100:2000, 50:3000] = True
    mask[::701, ::397] ^= True
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = run_lengths.counts_from_mask(mask)
    assert run_lengths.text_of(counts) == theirs["counts"]
    assert (run_lengths.counts_of(theirs["counts"], mask.size) == counts).all()


@given(st.binary(max_size=60), st.integers(1, 4000))
def test_any_bytes_are_read_or_refused(text: bytes, pixels: int) -> None:
    try:
        counts = run_lengths.counts_of(text, pixels)
    except ValueError:
        return
    assert counts.sum() == pixels
    assert counts.min() >= 0


@given(st.text("0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgho", max_size=60))
def test_any_letters_of_the_code_are_read_or_refused(text: str) -> None:
    try:
        counts = run_lengths.counts_of(text.encode(), 1000)
    except ValueError:
        return
    assert counts.sum() == 1000


@pytest.mark.parametrize("counts", [[], [10, -1], [5, 4], [11], [2**62, 2**62, 2**62]])
def test_counts_that_do_not_cover_the_picture_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="its counts"):
        run_lengths.checked(np.array(counts, np.int64), 10)


@given(st.lists(st.integers(0, 5), max_size=10))
def test_runs_of_nothing_do_not_disturb_area_and_box(counts: list[int]) -> None:
    whole = [*counts, 60 - sum(counts)]
    runs = np.array(whole, np.int64)
    mask = drawn(runs, (6, 10))
    area, box = run_lengths.area_and_box(runs, 6)
    again = run_lengths.area_and_box(run_lengths.counts_from_mask(mask > 0), 6)
    assert (area, box) == again
    assert area == mask.sum()
