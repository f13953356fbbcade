"""COCO's twelve figures for boxes and for masks, over all classes and class by class.

They are pycocotools' to the last bit (tests hold them to it), in a fraction of its time. A figure
that has no truth to be measured on - no object of that size or class - is nan; pycocotools writes
-1 there, which an average or a chart would swallow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from average_precision import FIGURES, MOST, Tables, figure, tables
from dataset import Dataset, instance_rle
from detection import Detection
from matching import Floats, Found, Ints, Overlap, Truth, match, places_in_runs
from overlaps import Masks, box_overlaps, corner_and_size, mask_overlaps

__all__ = ["FIGURES", "Detection", "Evaluation", "Judge", "evaluate"]

Figures = dict[str, float]
Predictions = Mapping[int, Sequence[Detection]]
_OF_A_CLASS = ("map", "map50", "map75", "mar100")


@dataclass(frozen=True)
class Evaluation:
    """COCO's figures of a set of predictions; `per_class` has a row a class."""

    bbox: Figures
    segm: Figures
    per_class: list[dict[str, Any]]


@dataclass(frozen=True)
class Guesses:
    """The detections that COCO looks at, best first in each picture and class, as columns."""

    group: Ints
    score: Floats
    place: Ints
    best: list[Detection]
    counts: Counter[int]  # by label, of all


def evaluate(dataset: Dataset, predictions: Predictions) -> Evaluation:
    """Compare predictions, by image id, with the truth of a dataset.

    A picture without predictions counts as one where nothing was found. Detections of classes that
    the dataset has no name for (num_classes left room for more) have no truth, and do not count.
    """
    return Judge(dataset)(predictions)


class Judge:
    """`evaluate` for one dataset and many predictions: its truth is made ready once."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        # COCO's tables have pictures and classes in the order of their numbers.
        pictures = sorted(dataset.pictures, key=lambda picture: picture.image_id)
        self._row = {picture.image_id: row for row, picture in enumerate(pictures)}
        self._column = np.argsort(np.argsort(dataset.category_ids))
        shown = [(picture, one) for picture in pictures for one in picture.instances]
        rows = [self._row[picture.image_id] for picture, _ in shown]
        group = self._groups(rows, [one.label for _, one in shown])
        order = np.argsort(group, kind="stable")
        self._shown = [shown[place] for place in order]
        instances = [one for _, one in self._shown]
        self._truth = Truth(
            group[order],
            np.array([one.area for one in instances], np.float64),
            np.array([one.crowd for one in instances], np.bool_),
        )
        self._boxes = corner_and_size([one.box for one in instances])

    def __call__(self, predictions: Predictions) -> Evaluation:
        """The figures of predictions by image id."""
        guesses = self.read(predictions)
        bbox, segm = self.boxes(guesses), self.masks(guesses)
        return Evaluation(
            bbox={name: figure(bbox, name) for name in FIGURES},
            segm={name: figure(segm, name) for name in FIGURES},
            per_class=self._per_class(guesses, bbox, segm),
        )

    def read(self, predictions: Predictions) -> Guesses:
        """The detections that COCO looks at; ValueError for a picture that is not known."""
        strangers = predictions.keys() - self._row.keys()
        if strangers:
            raise ValueError(
                f"predictions for picture {min(strangers)}, which is not in the data set"
            )
        known, rows = [], []
        for image_id, detections in predictions.items():
            named = [one for one in detections if one.label <= len(self._column)]
            known += named
            rows += [self._row[image_id]] * len(named)
        group = self._groups(rows, [one.label for one in known])
        score = np.array([one.score for one in known], np.float64)
        order = np.lexsort((-score, group))
        place = places_in_runs(group[order])
        order, place = order[place < MOST], place[place < MOST]
        best = [known[number] for number in order]
        return Guesses(group[order], score[order], place, best, Counter(o.label for o in known))

    def boxes(self, guesses: Guesses) -> Tables | None:
        """Precision and recall by boxes; None where there is no picture or no class."""
        boxes = corner_and_size([one.box for one in guesses.best])
        overlap = box_overlaps(boxes, self._boxes, self._truth.crowd)
        return self._tables(guesses, boxes[:, 2] * boxes[:, 3], overlap)

    def masks(self, guesses: Guesses) -> Tables | None:
        """Precision and recall by masks; ValueError when a detection has none."""
        rles = [one.rle for one in guesses.best if one.rle is not None]
        if len(rles) < len(guesses.best):
            raise ValueError("a detection has no mask - predict with masks=True")
        masks = Masks.of(rles)
        overlap = mask_overlaps(masks, self._shapes, self._truth.crowd, guesses.group)
        return self._tables(guesses, masks.area, overlap)

    @cached_property
    def _shapes(self) -> Masks:
        return Masks.of([instance_rle(*pair) for pair in self._shown])

    def _groups(self, rows: Sequence[int], labels: Sequence[int]) -> Ints:
        columns = self._column[np.array(labels, np.int64) - 1]
        return np.asarray(np.array(rows, np.int64) * len(self._column) + columns)

    def _tables(self, guesses: Guesses, area: Floats, overlap: Overlap) -> Tables | None:
        if not self._row or not len(self._column):
            return None
        found = Found(guesses.group, area, guesses.score, guesses.place)
        return tables(match(found, self._truth, overlap), found, self._truth, len(self._column))

    def _per_class(
        self, guesses: Guesses, bbox: Tables | None, segm: Tables | None
    ) -> list[dict[str, Any]]:
        classes = len(self._column)
        objects = np.bincount(
            self._truth.group[~self._truth.crowd] % max(classes, 1), minlength=classes
        )
        return [
            {
                "category_id": identity,
                "name": name,
                "objects": int(objects[column]),
                "detections": guesses.counts[label],
                **{f"bbox_{kind}": figure(bbox, kind, column) for kind in _OF_A_CLASS},
                **{f"segm_{kind}": figure(segm, kind, column) for kind in _OF_A_CLASS},
            }
            for label, (identity, name, column) in enumerate(
                zip(
                    self._dataset.category_ids,
                    self._dataset.class_names,
                    self._column.tolist(),
                    strict=True,
                ),
                start=1,
            )
        ]
