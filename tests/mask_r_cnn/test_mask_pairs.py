"""Pictures with mask pictures: layouts, kinds of mask, and what is told about odd ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from channel import load_channel
from dataset import MaskFile, rasterise
from errors import DataError
from mask_reader import outlines
from tests.mask_r_cnn.samples import (
    square_mask,
    write_coco,
    write_mask,
    write_pairs,
    write_picture,
)


def told(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_channel(folder)
    return str(caught.value)


def test_penn_fudan(tmp_path: Path) -> None:
    data = load_channel(write_pairs(tmp_path / "training"))
    assert (data.class_names, data.category_ids) == (("pedestrian",), (1,))
    assert [picture.path.name for picture in data.pictures] == ["one.png", "two.png"]
    first, second = data.pictures[0].instances
    assert first.segmentation == MaskFile(
        tmp_path / "training" / "PedMasks" / "one_mask.png", value=1
    )
    assert (first.box, second.box) == ((4, 4, 12, 12), (16, 4, 24, 12))
    assert (first.area, first.label, first.crowd) == (64, 1, False)


@pytest.mark.parametrize("parent", ["", "PennFudanPed", "two/levels"])
def test_in_the_channel_or_one_folder_below(tmp_path: Path, parent: str) -> None:
    write_pairs(tmp_path / "training" / parent)
    if parent.count("/"):
        assert "holds 4 files but no annotations" in told(tmp_path / "training")
    else:
        assert len(load_channel(tmp_path / "training")) == 2


@pytest.mark.parametrize("mask", ["x.png", "x_mask.png", "x-mask.png", "x.mask.png", "x.tif"])
@pytest.mark.parametrize("picture", ["x.jpg", "x.png"])
def test_images_and_masks(tmp_path: Path, picture: str, mask: str) -> None:
    write_picture(tmp_path / "Images" / picture)
    write_mask(tmp_path / "masks" / mask, square_mask())
    data = load_channel(tmp_path)
    assert data.class_names == ("object",)
    assert len(data.pictures[0].instances) == 2


def test_folders_inside_and_names_that_end_in_mask(tmp_path: Path) -> None:
    for name in ("day/one", "night/one", "day/gas_mask"):
        write_picture(tmp_path / "images" / f"{name}.jpg")
        write_mask(tmp_path / "masks" / f"{name}.png", square_mask())
    assert len(load_channel(tmp_path)) == 3


def test_sixteen_bits_and_values_with_gaps(tmp_path: Path) -> None:
    write_picture(tmp_path / "images" / "x.jpg")
    write_mask(tmp_path / "masks" / "x.png", square_mask((300, 7, 65535)))
    (picture,) = load_channel(tmp_path).pictures
    assert [one.segmentation.value for one in picture.instances] == [7, 300, 65535]  # type: ignore[union-attr]
    masks = rasterise(picture, 48, 64)
    assert masks.sum(axis=(1, 2)).tolist() == [64, 64, 64]
    assert masks[0, 4:12, 16:24].all()


@pytest.mark.parametrize("mode", ["P", "1", "RGB"])
def test_other_kinds_of_mask(tmp_path: Path, mode: str) -> None:
    write_picture(tmp_path / "images" / "x.jpg")
    image = Image.fromarray(square_mask((1,)).astype(np.uint8))
    if mode == "1":
        image = image.point(lambda value: value * 255)
    (tmp_path / "masks").mkdir()
    image.convert(mode).save(tmp_path / "masks" / "x.png")
    (picture,) = load_channel(tmp_path).pictures
    assert picture.instances[0].box == (4, 4, 12, 12)


def test_a_mask_of_nothing_makes_a_negative(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    write_mask(tmp_path / "PedMasks" / "one_mask.png", square_mask(()))
    assert load_channel(tmp_path).summary()["pictures_without_instances"] == 1


def test_mixed_with_coco(tmp_path: Path) -> None:
    write_coco(tmp_path / "coco")
    write_pairs(tmp_path)
    data = load_channel(tmp_path)
    assert data.class_names == ("pedestrian", "cat", "dog")
    assert data.category_ids == (1, 3, 7)
    assert data.summary()["classes"] == {"pedestrian": 4, "cat": 1, "dog": 1}
    assert [picture.image_id for picture in data.pictures] == [1, 2, 3, 4]


def change_size(folder: Path) -> None:
    write_mask(folder / "PedMasks" / "one_mask.png", square_mask(width=32))


def drop_mask(folder: Path) -> None:
    (folder / "PedMasks" / "one_mask.png").unlink()


def drop_picture(folder: Path) -> None:
    (folder / "PNGImages" / "one.png").unlink()


def colour(folder: Path) -> None:
    write_picture(folder / "PedMasks" / "one_mask.png")


def break_mask(folder: Path) -> None:
    path = folder / "PedMasks" / "one_mask.png"
    path.write_bytes(path.read_bytes()[:60])


def as_jpeg(folder: Path) -> None:
    (folder / "PedMasks" / "one_mask.png").unlink()
    write_picture(folder / "PedMasks" / "one_mask.jpg")


def two_masks(folder: Path) -> None:
    write_mask(folder / "PedMasks" / "one.png", square_mask())


def noise(folder: Path) -> None:
    values = np.random.default_rng(0).permutation(50_000).reshape(200, 250)
    write_picture(folder / "PNGImages" / "one.png", 250, 200)
    write_mask(folder / "PedMasks" / "one_mask.png", values)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            change_size,
            "channel training: masks that cannot be used: PedMasks/one_mask.png has "
            "32 x 48 pixels, its picture (upright) 64 x 48 - replace them",
        ),
        (
            drop_mask,
            "channel training: pictures without a mask in PedMasks: PNGImages/one.png - "
            "add one (all 0 when there is nothing to see)",
        ),
        (
            drop_picture,
            "channel training: masks without a picture: PedMasks/one_mask.png - "
            "add it or remove the mask",
        ),
        (colour, "PedMasks/one_mask.png is in colour: a mask holds one number a pixel"),
        (break_mask, "PedMasks/one_mask.png is broken"),
        (as_jpeg, "masks in a format that changes values: PedMasks/one_mask.jpg - save as PNG"),
        (two_masks, "masks of the same picture: PedMasks/one.png, PedMasks/one_mask.png"),
        (noise, "PedMasks/one_mask.png has 49999 values: one value an instance is meant"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, change: Any, sentence: str) -> None:
    change(write_pairs(tmp_path / "training"))
    assert sentence in told(tmp_path / "training")


def test_on_a_shard_lone_pictures_and_masks_are_no_problem(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    drop_mask(tmp_path)
    (tmp_path / "PNGImages" / "two.png").unlink()
    data = load_channel(tmp_path, sharded=True)
    assert len(data) == 0
    assert data.notes == {"pictures and masks whose other half is elsewhere": 2}
    assert data.class_names == ("pedestrian",)


def test_validation_by_another_class_is_told(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    with pytest.raises(DataError, match="training channel does not have: pedestrian"):
        load_channel(tmp_path, categories=(("object",), (1,)))


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 4)))
def test_outlines_are_found_in_one_pass(values: np.ndarray) -> None:
    found = outlines(values)
    assert [value for value, _, _ in found] == [v for v in np.unique(values).tolist() if v]
    for value, (x0, y0, x1, y1), area in found:
        rows, columns = np.nonzero(values == value)
        assert area == len(rows)
        assert (x0, y0) == (columns.min(), rows.min())
        assert (x1, y1) == (columns.max() + 1, rows.max() + 1)


def test_masks_of_pictures_that_a_coco_file_names_are_left_alone(tmp_path: Path) -> None:
    """The JSON says all about them; the masks may be a drawing of the very same."""
    folder = write_coco(tmp_path / "training", pictures=("images/a.jpg", "images/b.jpg"))
    write_picture(folder / "masks" / "a.jpg")
    write_mask(folder / "masks" / "b_mask.png", square_mask())
    data = load_channel(folder)
    assert data.class_names == ("cat", "dog")
    assert data.summary()["instances"] == 2
    write_picture(folder / "images" / "c.png")
    write_mask(folder / "masks" / "c.png", square_mask())
    assert load_channel(folder).summary()["classes"] == {"object": 2, "cat": 1, "dog": 1}
