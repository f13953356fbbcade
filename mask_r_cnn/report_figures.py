"""The report's COCO figures: over all classes, and class by class."""

from __future__ import annotations

from chart import number
from evaluation import FIGURES, Evaluation
from report_html import bar, share, table, text

_MEANING = {
    "map": "Average precision (AP), IoU 0.50 to 0.95",
    "map50": "AP, IoU 0.50",
    "map75": "AP, IoU 0.75",
    "map_small": "AP, small objects (under 32² pixels)",
    "map_medium": "AP, medium objects",
    "map_large": "AP, large objects (over 96² pixels)",
    "mar1": "Average recall (AR), 1 detection a picture",
    "mar10": "AR, 10 detections",
    "mar100": "AR, 100 detections",
    "mar_small": "AR, small objects",
    "mar_medium": "AR, medium objects",
    "mar_large": "AR, large objects",
}


def coco_table(evaluation: Evaluation | None) -> str:
    """COCO's twelve figures for boxes and masks."""
    if evaluation is None:
        return '<p class="quiet">Nothing was held out, so nothing was measured.</p>'
    rows = (
        [text(_MEANING[name]), share(evaluation.bbox[name]), share(evaluation.segm[name])]
        for name in FIGURES
    )
    note = '<p class="quiet">– means that the held-out pictures have no such object.</p>'
    return table("COCO figures", ["figure", "boxes", "masks"], rows) + note


def class_table(evaluation: Evaluation | None) -> str:
    """A row for each class."""
    if evaluation is None or not evaluation.per_class:
        return ""
    heads = {
        "segm_map50": "mask AP50",
        "segm_map75": "mask AP75",
        "segm_mar100": "mask AR",
        "bbox_map": "box AP",
        "bbox_map50": "box AP50",
    }
    rows = (
        [
            text(row["name"]),
            number(row["objects"]),
            number(row["detections"]),
            bar(row["segm_map"]),
            *(share(row[key]) for key in heads),
        ]
        for row in evaluation.per_class
    )
    return table("Classes", ["class", "objects", "detections", "mask AP", *heads.values()], rows)
