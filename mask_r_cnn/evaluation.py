"""COCO's twelve figures for boxes and for masks, over all classes and class by class.

The engine is faster-coco-eval fed with RLEs: the figures are pycocotools' (a test holds them to
1e-6), in a third of the time. A figure that has no truth to be measured on - no object of that
size or class - is nan; pycocotools writes -1 there, which an average or a chart would swallow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from dataset import Dataset, instance_rle
from detection import Detection

__all__ = ["Detection", "Evaluation", "evaluate"]

Figures = dict[str, float]
Tables = dict[str, NDArray[np.float64]]

# name -> (precision or recall, place in COCO's areas, place in COCO's detection limits, IoU)
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)
_ONE, _TEN, _HUNDRED = range(3)
_FIGURES: dict[str, tuple[str, int, int, float | None]] = {
    "map": ("precision", _ALL, _HUNDRED, None),
    "map50": ("precision", _ALL, _HUNDRED, 0.5),
    "map75": ("precision", _ALL, _HUNDRED, 0.75),
    "map_small": ("precision", _SMALL, _HUNDRED, None),
    "map_medium": ("precision", _MEDIUM, _HUNDRED, None),
    "map_large": ("precision", _LARGE, _HUNDRED, None),
    "mar1": ("recall", _ALL, _ONE, None),
    "mar10": ("recall", _ALL, _TEN, None),
    "mar100": ("recall", _ALL, _HUNDRED, None),
    "mar_small": ("recall", _SMALL, _HUNDRED, None),
    "mar_medium": ("recall", _MEDIUM, _HUNDRED, None),
    "mar_large": ("recall", _LARGE, _HUNDRED, None),
}
FIGURES = tuple(_FIGURES)
_THRESHOLDS = [round(0.5 + 0.05 * step, 2) for step in range(10)]
_OF_A_CLASS = ("map", "map50", "map75", "mar100")


@dataclass(frozen=True)
class Evaluation:
    """COCO's figures of a set of predictions; `per_class` has a row a class."""

    bbox: Figures
    segm: Figures
    per_class: list[dict[str, Any]]


def evaluate(dataset: Dataset, predictions: Mapping[int, Sequence[Detection]]) -> Evaluation:
    """Compare predictions, by image id, with the truth of a dataset.

    A picture without predictions counts as one where nothing was found. Detections of classes that
    the dataset has no name for (num_classes left room for more) have no truth, and do not count.
    """
    strangers = predictions.keys() - {picture.image_id for picture in dataset.pictures}
    if strangers:
        raise ValueError(f"predictions for image {min(strangers)}, which is not in the dataset")
    classes = len(dataset.class_names)
    predictions = {
        image_id: [detection for detection in detections if detection.label <= classes]
        for image_id, detections in predictions.items()
    }
    truth = _truth(dataset)
    bbox = _tables(truth, "bbox", list(_boxes(dataset, predictions)))
    segm = _tables(truth, "segm", list(_masks(dataset, predictions)))
    return Evaluation(
        bbox={name: _figure(bbox, name) for name in FIGURES},
        segm={name: _figure(segm, name) for name in FIGURES},
        per_class=_per_class(dataset, predictions, bbox, segm),
    )


def _truth(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """A dataset in the words of COCO."""
    return {
        "images": [
            {"id": picture.image_id, "height": picture.height, "width": picture.width}
            for picture in dataset.pictures
        ],
        "categories": [
            {"id": identity, "name": name}
            for identity, name in zip(dataset.category_ids, dataset.class_names, strict=True)
        ],
        "annotations": [
            {**annotation, "id": number}  # from 1: COCO reads id 0 as "unmatched"
            for number, annotation in enumerate(_annotations(dataset), start=1)
        ],
    }


def _annotations(dataset: Dataset) -> Iterator[dict[str, Any]]:
    for picture in dataset.pictures:
        for instance in picture.instances:
            yield {
                "image_id": picture.image_id,
                "category_id": dataset.category_ids[instance.label - 1],
                "bbox": _corner_and_size(instance.box),
                "segmentation": instance_rle(picture, instance),
                "area": float(instance.area),
                "iscrowd": int(instance.crowd),
            }


def _boxes(
    dataset: Dataset, predictions: Mapping[int, Sequence[Detection]]
) -> Iterator[dict[str, Any]]:
    for image_id, detections in predictions.items():
        for detection in detections:
            yield {
                "image_id": image_id,
                "category_id": dataset.category_ids[detection.label - 1],
                "score": float(detection.score),
                "bbox": _corner_and_size(detection.box),
            }


def _masks(
    dataset: Dataset, predictions: Mapping[int, Sequence[Detection]]
) -> Iterator[dict[str, Any]]:
    # No "bbox" here: with one, COCO takes the area of the box for the size of the object.
    for image_id, detections in predictions.items():
        for detection in detections:
            if detection.rle is None:
                raise ValueError(
                    f"a detection of image {image_id} has no mask - predict with masks=True"
                )
            yield {
                "image_id": image_id,
                "category_id": dataset.category_ids[detection.label - 1],
                "score": float(detection.score),
                "segmentation": dict(detection.rle),
            }


def _corner_and_size(box: Sequence[float]) -> list[float]:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    return [x0, y0, x1 - x0, y1 - y0]


def _tables(
    truth: dict[str, list[dict[str, Any]]], kind: str, results: list[dict[str, Any]]
) -> Tables:
    """COCO's precision [IoU, recall, class, area, limit] and recall [IoU, class, area, limit]."""
    if not truth["images"] or not truth["categories"]:
        return {}
    # The engine writes into the annotations; the truth serves boxes and masks.
    own = [dict(annotation) for annotation in truth["annotations"]]
    known = COCO({**truth, "annotations": own})
    engine = COCOeval_faster(known, known.loadRes(results), kind)
    engine.evaluate()
    return {"precision": engine.eval["precision"], "recall": engine.eval["recall"]}


def _figure(tables: Tables, name: str, category: int | None = None) -> float:
    """The mean of what COCO measured, nan where it had nothing to measure."""
    kind, area, limit, threshold = _FIGURES[name]
    if kind not in tables:
        return float("nan")
    table = tables[kind][..., area, limit]
    if threshold is not None:
        table = table[[_THRESHOLDS.index(threshold)]]
    if category is not None:
        table = table[..., category]
    measured = table[table > -1]
    return float(measured.mean()) if measured.size else float("nan")


def _per_class(
    dataset: Dataset,
    predictions: Mapping[int, Sequence[Detection]],
    bbox: Tables,
    segm: Tables,
) -> list[dict[str, Any]]:
    objects = Counter(
        instance.label
        for picture in dataset.pictures
        for instance in picture.instances
        if not instance.crowd
    )
    found = Counter(item.label for items in predictions.values() for item in items)
    place = {identity: index for index, identity in enumerate(sorted(dataset.category_ids))}
    return [
        {
            "category_id": identity,
            "name": name,
            "objects": objects[label],
            "detections": found[label],
            **{f"bbox_{figure}": _figure(bbox, figure, place[identity]) for figure in _OF_A_CLASS},
            **{f"segm_{figure}": _figure(segm, figure, place[identity]) for figure in _OF_A_CLASS},
        }
        for label, (identity, name) in enumerate(
            zip(dataset.category_ids, dataset.class_names, strict=True), start=1
        )
    ]
