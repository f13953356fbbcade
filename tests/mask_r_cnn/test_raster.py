"""Masks at any size: the pixels of pycocotools, and the nearest pixel of a mask file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faster_coco_eval.core import mask as fast_mask
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

import run_lengths
from channel import load_channel
from dataset import Instance, MaskFile, Picture, Polygons, Rle, instance_rle
from errors import DataError
from raster import rasterise
from tests.mask_r_cnn.samples import square_mask, write_mask, write_pairs

BOX = (0.0, 0.0, 90.0, 90.0)
points = st.lists(st.floats(-40, 80), min_size=6, max_size=16).map(
    lambda values: values[: len(values) // 2 * 2]
)


def picture(*shapes: Polygons | Rle | MaskFile, width: int = 40, height: int = 30) -> Picture:
    instances = tuple(Instance(1, BOX, shape, 1.0) for shape in shapes)
    return Picture(1, Path("x.png"), width, height, instances)


@given(st.lists(points, min_size=1, max_size=3))
def test_polygons_are_drawn_as_pycocotools_draws_them(parts: list[list[float]]) -> None:
    shape = Polygons(tuple(np.array(part) for part in parts))
    one = picture(shape)
    theirs = coco_mask.merge(coco_mask.frPyObjects(parts, 30, 40))
    assert instance_rle(one, one.instances[0]) == {"size": [30, 40], "counts": theirs["counts"]}
    assert (rasterise(one, 30, 40)[0] == fast_mask.decode(theirs)).all()


@settings(deadline=None)
@given(st.lists(points, min_size=1, max_size=3), st.integers(1, 90), st.integers(1, 90))
def test_polygons_at_any_size(parts: list[list[float]], height: int, width: int) -> None:
    one = picture(Polygons(tuple(np.array(part) for part in parts)))
    mask = rasterise(one, height, width)
    assert mask.shape == (1, height, width)
    assert mask.max() <= 1


def test_a_scaled_polygon_covers_the_scaled_place() -> None:
    square = Polygons((np.array([10.0, 10, 20, 10, 20, 20, 10, 20]),))
    mask = rasterise(picture(square), 60, 120)[0]
    assert mask.sum() == 20 * 30
    assert mask[20:40, 30:60].all()


@pytest.mark.parametrize("size", [(30, 40), (15, 20), (60, 80), (7, 11), (1, 1)])
def test_run_lengths_and_mask_files_agree(tmp_path: Path, size: tuple[int, int]) -> None:
    values = square_mask((1, 2, 3), width=40, height=30)
    path = write_mask(tmp_path / "m.png", values)
    runs = [
        Rle(run_lengths.text_of(run_lengths.counts_from_mask(values == value)))
        for value in (1, 2, 3)
    ]
    files = [MaskFile(path, value) for value in (1, 2, 3)]
    drawn = rasterise(picture(*runs), *size)
    assert (drawn == rasterise(picture(*files), *size)).all()
    if size == (30, 40):
        assert (drawn == [values == value for value in (1, 2, 3)]).all()
    for run, file in zip(runs, files, strict=True):
        one = picture(run, file)
        assert instance_rle(one, one.instances[0]) == instance_rle(one, one.instances[1])


def test_the_nearest_pixel_is_the_one_under_the_middle(tmp_path: Path) -> None:
    values = np.arange(1, 13).reshape(3, 4)
    path = write_mask(tmp_path / "m.png", values)
    one = picture(MaskFile(path, 6), MaskFile(path, 11), width=4, height=3)
    small = rasterise(one, 1, 2)
    assert small.tolist() == [[[1, 0]], [[0, 0]]]  # row 1, columns 1 and 3 are seen


def test_crowds_are_not_drawn() -> None:
    square = Polygons((np.array([10.0, 10, 20, 10, 20, 20, 10, 20]),))
    crowd = Instance(1, BOX, square, 1.0, crowd=True)
    one = Picture(1, Path("x"), 40, 30, (crowd, Instance(1, BOX, square, 1.0)))
    assert rasterise(one, 30, 40).shape == (1, 30, 40)


def test_no_instances() -> None:
    assert rasterise(picture(), 30, 40).shape == (0, 30, 40)


def test_a_mask_that_changed_since_is_told(tmp_path: Path) -> None:
    one = load_channel(write_pairs(tmp_path)).pictures[0]
    path = tmp_path / "PedMasks" / "one_mask.png"
    write_mask(path, square_mask(width=10))
    with pytest.raises(DataError, match=r"one_mask.png has changed its size"):
        rasterise(one, 10, 10)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"one_mask.png cannot be read any more: is empty"):
        instance_rle(one, one.instances[0])
