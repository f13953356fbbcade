"""From a COCO file to COCO's figures: reading it our way loses nothing that pycocotools sees."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import run_lengths
from channel import load_channel
from evaluation import FIGURES, Detection, evaluate
from tests.mask_r_cnn.samples import write_picture

WIDTH, HEIGHT, PICTURES = 160, 120, 12


def polygon(rng: np.random.Generator, decimals: int) -> list[float]:
    turn = np.sort(rng.uniform(0, 2 * np.pi, 9))
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1) * rng.uniform(8, 50)
    centre = rng.uniform((10, 10), (WIDTH - 10, HEIGHT - 10))
    points: list[float] = np.round(circle + centre, decimals).clip(0, HEIGHT).ravel().tolist()
    return points


def annotation(rng: np.random.Generator, number: int) -> dict[str, Any]:
    """Polygons of one part or two, run lengths of both kinds, and crowds."""
    decimals = int(rng.choice([1, 2, 12]))
    parts = [polygon(rng, decimals) for _ in range(rng.integers(1, 3))]
    rle = coco_mask.merge(coco_mask.frPyObjects(parts, HEIGHT, WIDTH))
    if coco_mask.area(rle) < 20:
        return annotation(rng, number)
    runs = {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}
    form = int(rng.integers(0, 3))
    return {
        "id": number,
        "image_id": 7 * int(rng.integers(0, PICTURES)),
        "category_id": int(rng.choice([3, 90, 4])),
        "segmentation": runs if form == 0 else parts,
        "bbox": [float(value) for value in coco_mask.toBbox(rle)],
        "area": float(coco_mask.area(rle)) * float(rng.choice([1, 1.01])),
        "iscrowd": int(form == 0 and rng.random() < 0.4),
    }


def write_truth(folder: Path, rng: np.random.Generator) -> Path:
    names = [f"{number}.png" for number in range(PICTURES)]
    for name in names:
        write_picture(folder / name, WIDTH, HEIGHT)
    document = {
        "images": [
            {"id": 7 * number, "file_name": name, "width": WIDTH, "height": HEIGHT}
            for number, name in enumerate(names)
        ],
        "annotations": [annotation(rng, number) for number in range(1, 70)],
        "categories": [{"id": number, "name": f"class {number}"} for number in (90, 3, 4)],
    }
    (folder / "truth.json").write_text(json.dumps(document))
    return folder / "truth.json"


def found_near(rng: np.random.Generator, truth: dict[str, Any]) -> dict[str, Any]:
    """A detection that is the truth moved a little, as a COCO result."""
    shape = truth["segmentation"]
    if isinstance(shape, list):
        whole = coco_mask.merge(coco_mask.frPyObjects(shape, HEIGHT, WIDTH))
    else:
        whole = {**shape, "counts": shape["counts"].encode()}
    counts = run_lengths.counts_of(whole["counts"], WIDTH * HEIGHT)
    crop, left, top = run_lengths.crop_from_counts(counts, HEIGHT)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    moved = np.roll(mask, rng.integers(-3, 4, 2), axis=(0, 1))
    rle = coco_mask.encode(np.asfortranarray(moved))
    return {
        "image_id": truth["image_id"],
        "category_id": int(truth["category_id"]),
        "score": float(rng.random()),
        "bbox": [float(value) for value in coco_mask.toBbox(rle)],
        "segmentation": rle,
    }


def theirs(path: Path, found: list[dict[str, Any]], kind: str) -> list[float]:
    # Where a result has a box, loadRes takes the box's area for the mask's
    unwanted = "segmentation" if kind == "bbox" else "bbox"
    found = [{key: one[key] for key in one if key != unwanted} for one in found]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
        judge = COCOeval(coco, coco.loadRes(found), kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [float(value) for value in judge.stats]


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_of_a_file_are_those_of_pycocotools(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = write_truth(tmp_path, rng)
    entries = json.loads(path.read_text())["annotations"]
    found = [found_near(rng, entry) for entry in entries if rng.random() < 0.8]
    data = load_channel(tmp_path)
    assert data.notes == {}
    labels = {number: label for label, number in enumerate(data.category_ids, start=1)}
    ids = {7 * int(picture.path.stem): picture.image_id for picture in data.pictures}
    predictions: dict[int, list[Detection]] = {}
    for one in found:
        x, y, width, height = one["bbox"]
        box = (x, y, x + width, y + height)
        detection = Detection(labels[one["category_id"]], one["score"], box, one["segmentation"])
        predictions.setdefault(ids[one["image_id"]], []).append(detection)
    ours = evaluate(data, predictions)
    for kind, figures in (("bbox", ours.bbox), ("segm", ours.segm)):
        expected = theirs(path, found, kind)
        got = [figures[name] for name in FIGURES]
        assert np.nan_to_num(got, nan=-1.0).tolist() == expected, kind  # to the last bit
