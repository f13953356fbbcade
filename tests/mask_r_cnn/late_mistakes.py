"""Mistakes that only show when weights are read or written: each needs a real, tiny job."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
from PIL import Image

from tests.mask_r_cnn.mistakes import Job, Mistake
from tests.mask_r_cnn.samples import coco

TINY = {
    "num_epochs": "1",
    "backbone": "mobilenet_v2_fpn",
    "pretrained": "none",
    "batch_size": "1",
    "min_size": "64",
    "max_size": "64",
    "validation_fraction": "0",
    "rois_per_image": "8",
    "num_workers": "0",
    "augment": "none",
    "warmup_steps": "0",
}


class _Code:
    """A pickle that touches a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def tiny(job: Job, **changes: str) -> None:
    """A job that would train in seconds, with hyperparameters changed."""
    job.coco()
    job.set(**{**TINY, **changes})


def _pretrained(job: Job, name: str, data: bytes) -> None:
    tiny(job)
    folder = job.channel("pretrained")
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)


def _no_weights(job: Job) -> None:
    tiny(job, pretrained="coco")


def _garbage(job: Job) -> None:
    _pretrained(job, "weights.safetensors", b"garbage" * 100)


def _pickle(job: Job) -> None:
    _pretrained(job, "weights.pth", pickle.dumps(_Code(job.root / "code-was-run")))


def _two_files(job: Job) -> None:
    _pretrained(job, "one.pth", b"")
    _pretrained(job, "two.pth", b"")


def _no_file(job: Job) -> None:
    tiny(job)
    job.channel("pretrained").mkdir()


def _torn_model(job: Job) -> None:
    tiny(job)
    job.channel("model").mkdir()
    (job.channel("model") / "model.json").write_text("{")
    (job.channel("model") / "model.safetensors").write_bytes(b"")


def _model_of_another_backbone(job: Job) -> None:
    tiny(job)
    job.channel("model").mkdir()
    described = {
        "backbone": "resnet18_fpn",
        "norm": "group",
        "class_names": ["cat", "dog"],
        "category_ids": [3, 7],
        "min_size": 64,
        "max_size": 64,
        "score_threshold": 0.05,
        "max_detections": 100,
    }
    (job.channel("model") / "model.json").write_text(json.dumps(described))
    (job.channel("model") / "model.safetensors").write_bytes(b"")


def _damage_inside(job: Job) -> None:
    """A picture that begins and ends well: only decoding it shows that it is damaged."""
    document = coco()
    document["images"][1]["file_name"] = "b.png"
    tiny(job)
    (job.training / "annotations.json").write_text(json.dumps(document))
    path = job.training / "b.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(bytes(data))


LATE_MISTAKES = [
    Mistake(
        "weights that are not there",
        _no_weights,
        "HyperparameterError: pretrained=coco was asked for, but there are no coco weights for "
        "mobilenet_v2_fpn",
    ),
    Mistake("garbage for weights", _garbage, "DataError: weights.safetensors can't be read as"),
    Mistake(
        "code for weights",
        _pickle,
        "DataError: weights.pth can't be read as weights: it holds more than tensors, or is no "
        "PyTorch file at all. Save a plain state dict, best as .safetensors.",
    ),
    Mistake("two files of weights", _two_files, "DataError: the pretrained channel needs exactly"),
    Mistake("no file of weights", _no_file, "DataError: the pretrained channel needs exactly one"),
    Mistake("a torn model", _torn_model, "DataError: "),
    Mistake(
        "a model of another backbone",
        _model_of_another_backbone,
        "DataError: the model channel holds a resnet18_fpn model, but backbone is "
        "mobilenet_v2_fpn. Set backbone=resnet18_fpn.",
    ),
    Mistake("a picture damaged inside", _damage_inside, "PictureError: "),
]
