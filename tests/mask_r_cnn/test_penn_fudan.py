"""The real Penn-Fudan set: its boxes are those that its authors wrote down."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from channel import load_channel
from dataset import rasterise, split
from pictures import read_picture

FOLDER = Path(os.environ.get("BYOA_TEST_DATA", "/nowhere")) / "PennFudanPed"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs BYOA_TEST_DATA, a folder with PennFudanPed in it"
)
BOX = re.compile(r"\(Xmin, Ymin\) - \(Xmax, Ymax\) : \((\d+), (\d+)\) - \((\d+), (\d+)\)")


def test_pictures_people_and_boxes() -> None:
    data = load_channel(FOLDER)
    assert data.class_names == ("pedestrian",)
    assert (len(data), data.summary()["instances"]) == (170, 423)
    exact = 0
    for picture in data.pictures:
        text = (FOLDER / "Annotation" / f"{picture.path.stem}.txt").read_text("latin-1")
        boxes = [tuple(map(int, found)) for found in BOX.findall(text)]
        assert len(picture.instances) == len(boxes)
        for instance, (x0, y0, x1, y1) in zip(picture.instances, boxes, strict=True):
            # Theirs count from 1 and include the last pixel
            differences = np.abs(np.subtract(instance.box, (x0 - 1, y0 - 1, x1, y1)))
            exact += not differences.any()
            # Where people overlap, the mask of one hides an edge of the other
            assert differences.max() <= 6
    assert exact == 407


def test_pixels_and_masks() -> None:
    training, validation = split(load_channel(FOLDER), 50 / 170, seed=0)
    assert (len(training), len(validation)) == (120, 50)
    for picture in validation.pictures[:5]:
        pixels = read_picture(picture.path)
        assert pixels.shape == (picture.height, picture.width, 3)
        masks = rasterise(picture, picture.height, picture.width)
        assert masks.sum(axis=(1, 2)).tolist() == [one.area for one in picture.instances]
        for mask, one in zip(masks, picture.instances, strict=True):
            rows, columns = np.nonzero(mask)
            around = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert around == one.box
