"""The figures of `evaluate` are pycocotools' own."""

from __future__ import annotations

import contextlib
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import matching
from dataset import Dataset, Instance, Picture, Rle, instance_rle
from evaluation import FIGURES, Detection, Evaluation, Judge, evaluate

Predictions = dict[int, list[Detection]]


def ellipse(height: int, width: int, box: tuple[float, ...]) -> dict[str, Any]:
    rows, columns = np.mgrid[:height, :width]
    across = (columns - (box[0] + box[2]) / 2) / max((box[2] - box[0]) / 2, 0.5)
    down = (rows - (box[1] + box[3]) / 2) / max((box[3] - box[1]) / 2, 0.5)
    bits: NDArray[np.uint8] = (across**2 + down**2 <= 1).astype(np.uint8)
    encoded: dict[str, Any] = coco_mask.encode(np.asfortranarray(bits))
    return encoded


class Scenes:
    """Random truth and random, partly right predictions."""

    def __init__(self, seed: int, *, classes: int, pictures: int, objects: int, found: int) -> None:
        self.random = np.random.default_rng(seed)
        self.classes, self.objects, self.found = classes, objects, found
        # Identities with gaps, and in an order of their own.
        identities = self.random.permutation(np.arange(1, classes + 1) * 3)
        names = tuple(f"class {index}" for index in range(classes))
        self.predictions: Predictions = {}
        self.dataset = Dataset(
            tuple(self.picture(1000 - number) for number in range(pictures)),
            names,
            tuple(int(identity) for identity in identities),
        )

    def box(self, height: int, width: int) -> tuple[float, float, float, float]:
        wide, high = self.random.uniform(2, width * 0.8), self.random.uniform(2, height * 0.8)
        left, top = self.random.uniform(0, width - wide), self.random.uniform(0, height - high)
        return (left, top, left + wide, top + high)

    def picture(self, image_id: int) -> Picture:
        height, width = (int(side) for side in self.random.integers(40, 180, 2))
        number = 0 if self.random.random() < 0.2 else int(self.random.integers(self.objects + 1))
        instances = tuple(self.instance(height, width) for _ in range(number))
        if self.random.random() < 0.8:
            self.predictions[image_id] = self.detections(instances, height, width)
        return Picture(image_id, Path("unused.jpg"), width, height, instances)

    def instance(self, height: int, width: int) -> Instance:
        box = self.box(height, width)
        rle = ellipse(height, width, box)
        return Instance(
            label=int(self.random.integers(1, self.classes + 1)),
            box=box,
            segmentation=Rle(rle["counts"]),
            area=float(coco_mask.area(rle)),
            crowd=bool(self.random.random() < 0.1),
        )

    def detections(
        self, instances: tuple[Instance, ...], height: int, width: int
    ) -> list[Detection]:
        made = []
        for _ in range(int(self.random.integers(self.found + 1))):
            box = self.box(height, width)
            label = int(self.random.integers(1, self.classes + 1))
            if instances and self.random.random() < 0.7:
                near = instances[int(self.random.integers(len(instances)))]
                moved = np.clip(np.array(near.box) + self.random.normal(0, 3, 4), 0, None)
                x0, y0, x1, y1 = (float(edge) for edge in moved)
                box = (x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
                label = near.label if self.random.random() < 0.9 else label
            score = round(float(self.random.random()), 1)  # many ties
            made.append(Detection(label, score, box, ellipse(height, width, box)))
        return made


def truth(dataset: Dataset) -> COCO:
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [
            {"id": p.image_id, "height": p.height, "width": p.width} for p in dataset.pictures
        ],
        "categories": [
            {"id": identity, "name": name}
            for identity, name in zip(dataset.category_ids, dataset.class_names, strict=True)
        ],
        "annotations": [],
    }
    for picture in dataset.pictures:
        for instance in picture.instances:
            x0, y0, x1, y1 = instance.box
            coco.dataset["annotations"].append(
                {
                    "id": len(coco.dataset["annotations"]) + 1,
                    "image_id": picture.image_id,
                    "category_id": dataset.category_ids[instance.label - 1],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "segmentation": instance_rle(picture, instance),
                    "area": instance.area,
                    "iscrowd": int(instance.crowd),
                }
            )
    coco.createIndex()
    return coco


def results(dataset: Dataset, predictions: Predictions, kind: str) -> list[dict[str, Any]]:
    made = []
    for image_id, items in predictions.items():
        for item in items:
            x0, y0, x1, y1 = item.box
            shape = (
                {"bbox": [x0, y0, x1 - x0, y1 - y0]}
                if kind == "bbox"
                else {"segmentation": item.rle}
            )
            category = dataset.category_ids[item.label - 1]
            made.append(
                {"image_id": image_id, "category_id": category, "score": item.score, **shape}
            )
    return made


def reference(dataset: Dataset, predictions: Predictions, kind: str) -> COCOeval:
    with contextlib.redirect_stdout(io.StringIO()):
        known = truth(dataset)
        engine = COCOeval(known, known.loadRes(results(dataset, predictions, kind)), kind)
        engine.evaluate()
        engine.accumulate()
        engine.summarize()
    return engine


def assert_same(ours: float, theirs: float) -> None:
    if theirs == -1:
        assert math.isnan(ours)
    else:
        assert ours == theirs  # to the last bit


SETS = {
    "one class": {"classes": 1, "pictures": 8, "objects": 5, "found": 8},
    "many classes": {"classes": 40, "pictures": 12, "objects": 20, "found": 25},
    "few objects": {"classes": 5, "pictures": 15, "objects": 1, "found": 3},
    "over a hundred detections": {"classes": 2, "pictures": 4, "objects": 30, "found": 800},
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", SETS)
def test_figures_are_those_of_pycocotools(name: str, seed: int) -> None:
    scenes = Scenes(seed, **SETS[name])
    ours = evaluate(scenes.dataset, scenes.predictions)
    for kind, figures in (("bbox", ours.bbox), ("segm", ours.segm)):
        engine = reference(scenes.dataset, scenes.predictions, kind)
        assert tuple(figures) == FIGURES
        for figure, expected in zip(FIGURES, engine.stats, strict=True):
            assert_same(figures[figure], expected)
        assert_rows_agree(ours, engine, scenes.dataset, kind)


def assert_rows_agree(ours: Evaluation, engine: COCOeval, dataset: Dataset, kind: str) -> None:
    for row in ours.per_class:
        place = sorted(dataset.category_ids).index(row["category_id"])
        for figure, table in {
            "map": engine.eval["precision"][:, :, place, 0, 2],
            "map50": engine.eval["precision"][0, :, place, 0, 2],
            "map75": engine.eval["precision"][5, :, place, 0, 2],
            "mar100": engine.eval["recall"][:, place, 0, 2],
        }.items():
            measured = table[table > -1]
            assert_same(row[f"{kind}_{figure}"], measured.mean() if measured.size else -1)


def test_the_sets_reach_what_they_are_for() -> None:
    scenes = Scenes(0, **SETS["over a hundred detections"])
    assert any(
        sum(item.label == 1 for item in items) > 100 for items in scenes.predictions.values()
    )
    assert any(i.crowd for p in scenes.dataset.pictures for i in p.instances)
    many = Scenes(0, **SETS["many classes"])
    assert any(not picture.instances for picture in many.dataset.pictures)
    assert len(many.predictions) < len(many.dataset.pictures)
    assert 0.02 < evaluate(scenes.dataset, scenes.predictions).segm["map"] < 0.98


def perfect(dataset: Dataset) -> Predictions:
    return {
        picture.image_id: [
            Detection(i.label, 1.0, i.box, instance_rle(picture, i))
            for i in picture.instances
            if not i.crowd
        ]
        for picture in dataset.pictures
    }


def test_the_truth_itself_scores_one() -> None:
    dataset = Scenes(1, classes=3, pictures=6, objects=6, found=0).dataset
    evaluation = evaluate(dataset, perfect(dataset))
    assert evaluation.bbox["map"] == evaluation.segm["map"] == 1.0
    assert all(row["segm_map50"] > 1 - 1e-12 for row in evaluation.per_class if row["objects"])


def test_nothing_found_scores_zero() -> None:
    dataset = Scenes(1, classes=3, pictures=6, objects=6, found=0).dataset
    evaluation = evaluate(dataset, {})
    assert evaluation.segm["map"] == evaluation.bbox["mar100"] == 0.0
    assert all(row["detections"] == 0 for row in evaluation.per_class)


def test_without_truth_the_figures_are_nan() -> None:
    picture = Picture(1, Path("unused.jpg"), 50, 40, ())
    for pictures in ((), (picture,)):
        evaluation = evaluate(Dataset(pictures, ("a",), (1,)), {})
        assert all(math.isnan(value) for value in (*evaluation.bbox.values(),))
        assert all(math.isnan(value) for value in (*evaluation.segm.values(),))
        assert evaluation.per_class[0]["objects"] == 0


def test_it_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    scenes = Scenes(2, classes=3, pictures=4, objects=4, found=4)
    evaluate(scenes.dataset, scenes.predictions)
    assert capfd.readouterr() == ("", "")


def test_the_inputs_are_left_alone() -> None:
    scenes = Scenes(3, classes=3, pictures=4, objects=4, found=4)
    first = evaluate(scenes.dataset, scenes.predictions)
    assert repr(evaluate(scenes.dataset, scenes.predictions)) == repr(first)


def test_a_detection_without_a_mask_is_refused() -> None:
    dataset = Scenes(1, classes=1, pictures=1, objects=1, found=0).dataset
    image_id = dataset.pictures[0].image_id
    with pytest.raises(ValueError, match="has no mask - predict with masks=True"):
        evaluate(dataset, {image_id: [Detection(1, 0.5, (0, 0, 5, 5))]})


def test_a_class_without_a_name_does_not_count() -> None:
    scenes = Scenes(4, classes=2, pictures=4, objects=4, found=6)
    more = {
        image_id: [*items, Detection(9, 1.0, (0, 0, 9, 9), items[0].rle)]
        for image_id, items in scenes.predictions.items()
        if items
    }
    fewer = {image_id: scenes.predictions[image_id] for image_id in more}
    assert repr(evaluate(scenes.dataset, more)) == repr(evaluate(scenes.dataset, fewer))


def test_a_prediction_for_an_unknown_picture_is_refused() -> None:
    dataset = Scenes(1, classes=1, pictures=1, objects=1, found=0).dataset
    with pytest.raises(ValueError, match="picture 7, which is not in the data set"):
        evaluate(dataset, {7: []})


@pytest.mark.parametrize("limit", [1, 7])
def test_pieces_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    scenes = Scenes(5, **SETS["many classes"])
    whole = evaluate(scenes.dataset, scenes.predictions)
    monkeypatch.setattr(matching, "_PAIRS", limit)
    monkeypatch.setattr(matching, "_CHOICES", limit)
    assert repr(evaluate(scenes.dataset, scenes.predictions)) == repr(whole)


def test_a_judge_judges_again() -> None:
    scenes = Scenes(6, **SETS["one class"])
    judge = Judge(scenes.dataset)
    first = repr(judge(scenes.predictions))
    assert repr(judge({})) != first
    assert repr(judge(scenes.predictions)) == first
    assert repr(evaluate(scenes.dataset, scenes.predictions)) == first
