"""The sample pictures: the same for the same seed, with annotations that are true."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from channel import load_channel
from make_test_dir import make_test_dir
from raster import rasterise
from sample_pictures import CATEGORY_IDS, CLASSES, counts, make_pictures, make_scene


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("layout", ["coco", "mask_pairs"])
def test_the_seed_decides_every_byte(tmp_path, layout):
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        make_pictures(tmp_path / name, 3, seed, (64, 48), layout)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # pycocotools' own
def test_counts_are_cocos():
    pycocotools = pytest.importorskip("pycocotools.mask")
    mask = np.random.default_rng(0).random((7, 5)) > 0.5
    for given in (mask, ~mask, np.ones_like(mask), np.zeros_like(mask)):
        rle = pycocotools.frPyObjects({"size": [7, 5], "counts": counts(given)}, 7, 5)
        assert (pycocotools.decode(rle) == given).all()


def test_coco_annotations_are_what_was_drawn(tmp_path):
    scenes = make_pictures(tmp_path, 12, seed=4, size=(96, 80))
    dataset = load_channel(tmp_path)
    assert (dataset.class_names, dataset.category_ids) == (CLASSES, CATEGORY_IDS)
    for picture, scene in zip(dataset.pictures, scenes):
        masks = rasterise(picture, 80, 96)
        assert len(masks) == len(scene.things)
        for drawn, thing in zip(masks, scene.things):
            shared, either = (drawn > 0) & thing.mask, (drawn > 0) | thing.mask
            assert shared.sum() / either.sum() > (0.99 if thing.hidden else 0.85)


def test_both_forms_of_segmentation_occur(tmp_path):
    make_pictures(tmp_path, 12, seed=4, size=(96, 80))
    annotations = json.loads((tmp_path / "annotations.json").read_text())["annotations"]
    assert {type(annotation["segmentation"]) for annotation in annotations} == {list, dict}


def test_mask_pairs_hold_one_value_an_object(tmp_path):
    scenes = make_pictures(tmp_path, 4, seed=1, size=(96, 80), layout="mask_pairs")
    dataset = load_channel(tmp_path)
    assert [len(picture.instances) for picture in dataset.pictures] == [
        len(scene.things) for scene in scenes
    ]


def test_objects_stay_visible():
    random = np.random.default_rng(3)
    for _ in range(20):
        scene = make_scene(random, 96, 80)
        assert scene.things
        assert all(thing.mask.sum() > 16 for thing in scene.things)


def test_test_dir_is_laid_out_as_sagemaker_does(tmp_path):
    root = make_test_dir(tmp_path / "ml")
    config = root / "input/config"
    settings = json.loads((config / "hyperparameters.json").read_text())
    assert all(isinstance(value, str) for value in settings.values())
    assert set(json.loads((config / "inputdataconfig.json").read_text())) == {
        path.name for path in (root / "input/data").iterdir()
    }
    (root / "model/old").write_text("left by an earlier job")
    before = (root / "input/data/training/images/00001.jpg").stat().st_mtime_ns
    make_test_dir(root)
    assert not (root / "model/old").exists()
    assert (root / "input/data/training/images/00001.jpg").stat().st_mtime_ns == before
    with Image.open(root / "held_out/images/00001.jpg") as picture:
        assert picture.size == (160, 120)
