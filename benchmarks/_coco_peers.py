"""The same truth and predictions for our `Judge`, for pycocotools and for faster-coco-eval.

What the other two read - COCO's dictionaries - is made before any clock runs, so nothing that is
ours is counted against them.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import faster_coco_eval
import numpy as np
import pycocotools.coco
import pycocotools.cocoeval

from dataset import Dataset, Instance, Picture, Rle, instance_rle
from detection import Detection
from rle import encode_masks

HEIGHT, WIDTH, CLASSES = 480, 640, 20
OBJECTS, GUESSES = 20, 30
Predictions = dict[int, list[Detection]]
PEERS: dict[str, tuple[Any, Any]] = {
    "pycocotools": (pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval),
    "faster-coco-eval": (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
}


def scenes(pictures: int, guesses: int = GUESSES) -> tuple[Dataset, Predictions]:
    """Squarish blobs; predictions that are near them, and beside them when there are more."""
    random = np.random.default_rng(0)
    truth, predictions = [], {}
    for image_id in range(1, pictures + 1):
        boxes = _spread(random, OBJECTS)
        labels = random.integers(1, CLASSES + 1, OBJECTS)
        rles = _blobs(random, boxes)
        instances = tuple(
            Instance(int(label), tuple(box), Rle(rle["counts"]), float(_area(np.array(box))))
            for label, box, rle in zip(labels, boxes.tolist(), rles, strict=True)
        )
        truth.append(Picture(image_id, Path("none"), WIDTH, HEIGHT, instances))
        near = np.clip(boxes + random.normal(0, 4, boxes.shape), 0, WIDTH).astype(np.float32)
        found = np.concatenate([near, _spread(random, max(guesses - OBJECTS, 0))])[:guesses]
        names = np.concatenate([labels, random.integers(1, CLASSES + 1, guesses)])[:guesses]
        predictions[image_id] = [
            Detection(int(label), float(random.random()), tuple(box), rle)
            for label, box, rle in zip(names, found.tolist(), _blobs(random, found), strict=True)
        ]
    return _dataset(truth), predictions


def hard_scenes(pictures: int) -> tuple[Dataset, Predictions]:
    """The same with all that COCO treats apart.

    Crowds, a class that is never there, one that is never found, pictures without truth or
    predictions, equal scores, and over a hundred detections of a class in a picture.
    """
    dataset, predictions = scenes(pictures)
    random = np.random.default_rng(1)
    truth = [
        replace(
            picture,
            instances=tuple(
                replace(one, crowd=bool(random.random() < 0.1))
                for one in picture.instances
                if one.label != 3 and picture.image_id % 11
            ),
        )
        for picture in dataset.pictures
    ]
    changed = {
        image_id: [replace(one, score=round(one.score, 1)) for one in detections if one.label != 5]
        for image_id, detections in predictions.items()
        if image_id % 7
    }
    boxes = _spread(random, 150)
    changed[1] += [
        Detection(1, 0.5, tuple(box), rle)
        for box, rle in zip(boxes.tolist(), _blobs(random, boxes), strict=True)
    ]
    return _dataset(truth), changed


class Peer:
    """pycocotools or faster-coco-eval, its truth read and its results at hand."""

    def __init__(self, name: str, dataset: Dataset, predictions: Predictions) -> None:
        self._coco, self._engine = PEERS[name]
        self._truth = self._coco()
        self._truth.dataset = _document(dataset)
        with contextlib.redirect_stdout(io.StringIO()):
            self._truth.createIndex()
        self._results = {
            kind: [
                {
                    "image_id": number,
                    "category_id": one.label,
                    "score": one.score,
                    **_shape(one, kind),
                }
                for number, found in predictions.items()
                for one in found
            ]
            for kind in ("bbox", "segm")
        }

    def figures(self, kind: str) -> list[float]:
        """The twelve, from the results on."""
        with contextlib.redirect_stdout(io.StringIO()):
            found = self._truth.loadRes([dict(one) for one in self._results[kind]])
            engine = self._engine(self._truth, found, kind)
            engine.evaluate()
            engine.accumulate()
            engine.summarize()
        return [float(figure) for figure in engine.stats[:12]]


def _shape(one: Detection, kind: str) -> dict[str, Any]:
    # With a box beside it, COCO takes the area of the box for that of the mask.
    if kind == "segm":
        return {"segmentation": one.rle}
    return {"bbox": _corner_and_size(one.box)}


def _document(dataset: Dataset) -> dict[str, Any]:
    annotations = [
        {
            "image_id": picture.image_id,
            "category_id": one.label,
            "bbox": _corner_and_size(one.box),
            "segmentation": instance_rle(picture, one),
            "area": one.area,
            "iscrowd": int(one.crowd),
        }
        for picture in dataset.pictures
        for one in picture.instances
    ]
    images = [{"id": p.image_id, "height": p.height, "width": p.width} for p in dataset.pictures]
    return {
        "info": {},
        "images": images,
        "categories": [{"id": identity} for identity in dataset.category_ids],
        "annotations": [{**one, "id": number} for number, one in enumerate(annotations, start=1)],
    }


def _dataset(pictures: list[Picture]) -> Dataset:
    names = tuple(f"class {number}" for number in range(CLASSES))
    return Dataset(tuple(pictures), names, tuple(range(1, CLASSES + 1)))


def _spread(random: np.random.Generator, number: int) -> Any:
    """Boxes all over the picture, from small to large in COCO's sense."""
    extent = random.uniform(12, 200, (number, 2))
    corner = random.uniform(0, 1, (number, 2)) * ((WIDTH, HEIGHT) - extent)
    return np.concatenate([corner, corner + extent], axis=1).astype(np.float32)


def _blobs(random: np.random.Generator, boxes: Any) -> list[dict[str, Any]]:
    """A rounded mask with a rough edge in each box."""
    rows, columns = np.mgrid[-1:1:28j, -1:1:28j]
    round_one = np.exp(-(rows**4 + columns**4)).astype(np.float32)
    maps = round_one + random.normal(0, 0.05, (len(boxes), 28, 28)).astype(np.float32)
    return encode_masks(maps, boxes, HEIGHT, WIDTH)


def _area(box: Any) -> Any:
    return (box[2] - box[0]) * (box[3] - box[1])


def _corner_and_size(box: tuple[float, ...]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]
