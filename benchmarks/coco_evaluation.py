"""COCO's figures by our `evaluate` beside pycocotools' own engine, on the same random data.

    python benchmarks/coco_evaluation.py [PICTURES]

Prints the seconds of process time of both (they take turns) and the largest difference of the 24
figures. Our time includes making COCO's structures of a dataset; pycocotools' does, too.
"""

from __future__ import annotations

import contextlib
import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mask_r_cnn"))
from dataset import Dataset, Instance, Picture, Rle, instance_rle
from evaluation import Detection, Evaluation, evaluate
from rle import encode_masks

HEIGHT, WIDTH, CLASSES, OBJECTS = 480, 640, 20, 20
Predictions = dict[int, list[Detection]]


def main(arguments: list[str]) -> int:
    """Measure once; 1 when a figure differs by more than 1e-6."""
    pictures = int(arguments[0]) if arguments else 200
    dataset, predictions = scenes(pictures)
    found = sum(len(items) for items in predictions.values())
    print(f"{pictures} pictures, {pictures * OBJECTS} objects, {found} detections")
    start = time.process_time()
    theirs = {kind: reference(dataset, predictions, kind) for kind in ("bbox", "segm")}
    middle = time.process_time()
    ours = evaluate(dataset, predictions)
    end = time.process_time()
    worst = difference(ours, theirs)
    print(f"pycocotools {middle - start:.2f} s, ours {end - middle:.2f} s")
    print(f"{(middle - start) / (end - middle):.1f}x, largest difference {worst:.1e}")
    print(f"mask AP {ours.segm['map']:.4f}, box AP {ours.bbox['map']:.4f}")
    return 0 if worst <= 1e-6 else 1


def scenes(pictures: int) -> tuple[Dataset, Predictions]:
    """Squarish blobs, and predictions that are near them, beside them and too many."""
    random = np.random.default_rng(0)
    truth, predictions = [], {}
    for image_id in range(1, pictures + 1):
        boxes = spread(random, OBJECTS)
        labels = random.integers(1, CLASSES + 1, OBJECTS)
        instances = [
            Instance(int(label), box, Rle(rle["counts"]), float(rle["area"]))
            for label, box, rle in zip(labels, boxes.tolist(), blobs(random, boxes), strict=True)
        ]
        truth.append(Picture(image_id, Path("none"), WIDTH, HEIGHT, tuple(instances)))
        near = np.clip(boxes + random.normal(0, 4, boxes.shape), 0, WIDTH).astype(np.float32)
        guesses = np.concatenate([near, spread(random, OBJECTS // 2)])
        names = np.concatenate([labels, random.integers(1, CLASSES + 1, OBJECTS // 2)])
        predictions[image_id] = [
            Detection(int(label), float(random.random()), tuple(box), rle)
            for label, box, rle in zip(names, guesses.tolist(), blobs(random, guesses), strict=True)
        ]
    names_of = tuple(f"class {number}" for number in range(CLASSES))
    return Dataset(tuple(truth), names_of, tuple(range(1, CLASSES + 1))), predictions


def spread(random: np.random.Generator, number: int) -> Any:
    """Boxes all over the picture."""
    extent = random.uniform(12, 200, (number, 2))
    corner = random.uniform(0, 1, (number, 2)) * ((WIDTH, HEIGHT) - extent)
    return np.concatenate([corner, corner + extent], axis=1).astype(np.float32)


def blobs(random: np.random.Generator, boxes: Any) -> list[dict[str, Any]]:
    """A rounded mask in each box."""
    rows, columns = np.mgrid[-1:1:28j, -1:1:28j]
    round_one = np.exp(-(rows**4 + columns**4)).astype(np.float32)
    maps = round_one + random.normal(0, 0.05, (len(boxes), 28, 28)).astype(np.float32)
    rles = encode_masks(maps, boxes, HEIGHT, WIDTH)
    sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return [{**rle, "area": float(size)} for rle, size in zip(rles, sizes, strict=True)]


def reference(dataset: Dataset, predictions: Predictions, kind: str) -> list[float]:
    """pycocotools' twelve figures."""
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": p.image_id, "height": HEIGHT, "width": WIDTH} for p in dataset.pictures],
        "categories": [{"id": identity} for identity in dataset.category_ids],
        "annotations": [
            {
                "image_id": picture.image_id,
                "category_id": instance.label,
                "bbox": corner_and_size(instance.box),
                "segmentation": instance_rle(picture, instance),
                "area": instance.area,
                "iscrowd": 0,
            }
            for picture in dataset.pictures
            for instance in picture.instances
        ],
    }
    for number, annotation in enumerate(coco.dataset["annotations"], start=1):
        annotation["id"] = number
    results = [
        {
            "image_id": image_id,
            "category_id": item.label,
            "score": item.score,
            **(
                {"bbox": corner_and_size(item.box)}
                if kind == "bbox"
                else {"segmentation": dict(item.rle or {})}
            ),
        }
        for image_id, items in predictions.items()
        for item in items
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        engine = COCOeval(coco, coco.loadRes(results), kind)
        engine.evaluate()
        engine.accumulate()
        engine.summarize()
    return [float(figure) for figure in engine.stats]


def corner_and_size(box: tuple[float, ...]) -> list[float]:
    """COCO's way to write a box."""
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def difference(ours: Evaluation, theirs: dict[str, list[float]]) -> float:
    """The largest one of the 24 figures; nan here is -1 there."""
    pairs = [*zip(ours.bbox.values(), theirs["bbox"], strict=True)]
    pairs += zip(ours.segm.values(), theirs["segm"], strict=True)
    return max(abs((-1 if math.isnan(one) else one) - other) for one, other in pairs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
