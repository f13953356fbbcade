"""From matches to COCO's tables of precision and recall, and to its twelve figures. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching import SIZES, THRESHOLDS, Bools, Floats, Found, Matches, Truth, aside

_RECALLS: Floats = np.linspace(0.0, 1.0, 101)
_LIMITS = (1, 10)  # detections of a class in a picture; without a name it is 100
MOST = 100

# name -> (precision or recall, column of that table, IoU threshold)
_ALL, _SMALL, _MEDIUM, _LARGE, _ONE, _TEN = range(6)
_FIGURES: dict[str, tuple[str, int, float | None]] = {
    "map": ("precision", _ALL, None),
    "map50": ("precision", _ALL, 0.5),
    "map75": ("precision", _ALL, 0.75),
    "map_small": ("precision", _SMALL, None),
    "map_medium": ("precision", _MEDIUM, None),
    "map_large": ("precision", _LARGE, None),
    "mar1": ("recall", _ONE, None),
    "mar10": ("recall", _TEN, None),
    "mar100": ("recall", _ALL, None),
    "mar_small": ("recall", _SMALL, None),
    "mar_medium": ("recall", _MEDIUM, None),
    "mar_large": ("recall", _LARGE, None),
}
FIGURES = tuple(_FIGURES)
_AT = [round(0.5 + 0.05 * step, 2) for step in range(len(THRESHOLDS))]


@dataclass(frozen=True)
class Tables:
    """precision [threshold, recall, class, size] and recall [threshold, class, size or limit].

    -1 where there is no truth, as in COCO.
    """

    precision: Floats
    recall: Floats


def tables(matches: Matches, found: Found, truth: Truth, classes: int) -> Tables:
    """What COCO's engine accumulates; a group is picture * classes + class."""
    made = Tables(
        np.full((len(THRESHOLDS), len(_RECALLS), classes, len(SIZES)), -1.0),
        np.full((len(THRESHOLDS), classes, len(SIZES) + len(_LIMITS)), -1.0),
    )
    objects = np.zeros((classes, len(SIZES)), np.int64)
    np.add.at(objects, truth.group % classes, ~aside(truth))
    kind = found.group % classes
    order = np.lexsort((-found.score, kind))  # of equal scores the earlier picture's goes first
    ends = np.searchsorted(kind[order], np.arange(classes + 1))
    for label, size in np.argwhere(objects):
        rows = order[ends[label] : ends[label + 1]]
        hit, counts = matches.hit[rows, size].T, ~matches.ignored[rows, size].T
        number = int(objects[label, size])
        curve, reached = _curve(hit & counts, ~hit & counts, number)
        made.precision[:, :, label, size], made.recall[:, label, size] = curve, reached
        if size == _ALL:
            for column, limit in enumerate(_LIMITS, start=len(SIZES)):
                early = hit & counts & (found.place[rows] < limit)
                made.recall[:, label, column] = early.sum(axis=1) / number
    return made


def figure(made: Tables | None, name: str, label: int | None = None) -> float:
    """The mean of what COCO measured, of one class or of all; nan where there was nothing."""
    if made is None:
        return float("nan")
    kind, column, threshold = _FIGURES[name]
    table = getattr(made, kind)[..., column]
    if threshold is not None:
        table = table[[_AT.index(threshold)]]
    if label is not None:
        table = table[..., label]
    measured = table[table > -1]
    return float(measured.mean()) if measured.size else float("nan")


def _curve(right: Bools, wrong: Bools, number: int) -> tuple[Floats, Floats]:
    """Precision at COCO's 101 recalls, and the recall at the end, for each threshold."""
    good = np.cumsum(right, axis=1, dtype=np.float64)
    bad = np.cumsum(wrong, axis=1, dtype=np.float64)
    recall = good / number
    # pycocotools' guard against 0 / 0: without it the figures would differ in their last bit.
    precision = good / (bad + good + np.spacing(1))
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reach = np.concatenate([precision, np.zeros((len(right), 1))], axis=1)
    places = [np.searchsorted(row, _RECALLS, "left") for row in recall]
    end = recall[:, -1] if recall.shape[1] else np.zeros(len(recall))
    return np.take_along_axis(reach, np.array(places), axis=1), end
