"""Mistakes that users make, each as a small training job, and the failure that it must end in."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mask_r_cnn.samples import (
    annotation,
    coco,
    square_mask,
    write_coco,
    write_mask,
    write_pairs,
    write_picture,
)

LAYOUTS = "give it a COCO instances JSON and its pictures, or folders PNGImages/ and PedMasks/"


@dataclass
class Job:
    """A root folder in the making: /opt/ml of one job."""

    root: Path

    @property
    def training(self) -> Path:
        return self.root / "input" / "data" / "training"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    def set(self, **values: str) -> None:
        """Writes hyperparameters, as SageMaker does: all strings."""
        path = self.root / "input" / "config" / "hyperparameters.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    def coco(self, channel: str = "training", **changes: Any) -> Path:
        """Writes a COCO channel with parts of its document replaced."""
        return write_coco(self.channel(channel), coco(**changes))

    def text(self, data: bytes) -> None:
        """Replaces the training channel's annotation file."""
        (self.coco() / "annotations.json").write_bytes(data)


@dataclass(frozen=True)
class Mistake:
    """What the user did, and the first line that tells them."""

    name: str
    make: Callable[[Job], None]
    failure: str  # the start of the first line

    def __str__(self) -> str:
        return self.name


def _told(name: str, failure: str) -> Callable[[Callable[[Job], None]], Callable[[Job], None]]:
    def keep(make: Callable[[Job], None]) -> Callable[[Job], None]:
        MISTAKES.append(Mistake(name, make, failure))
        return make

    return keep


def _hyperparameters(name: str, failure: str, **values: str) -> None:
    def make(job: Job) -> None:
        job.coco()
        job.set(**values)

    MISTAKES.append(Mistake(name, make, f"HyperparameterError: {failure}"))


def _document(name: str, failure: str, **changes: Any) -> None:
    def make(job: Job) -> None:
        job.coco(**changes)

    MISTAKES.append(Mistake(name, make, f"DataError: channel training: {failure}"))


MISTAKES: list[Mistake] = []

_hyperparameters(
    "unknown hyperparameter",
    "there is no hyperparameter 'learning-rte' - did you mean learning_rate?",
    **{"learning-rte": "0.1"},
)
_hyperparameters(
    "a number in words",
    "num_epochs is 'ten', but it must be a whole number from 1 to 100000",
    num_epochs="ten",
)
_hyperparameters(
    "batch of nothing",
    "batch_size is '0', but it must be a whole number from 1 to 1024",
    batch_size="0",
)
_hyperparameters(
    "negative learning rate",
    "learning_rate is '-0.01', but it must be a number above 0 and at most 10",
    learning_rate="-0.01",
)
_hyperparameters(
    "learning rate that is not a number",
    "learning_rate is 'nan', but it must be a number above 0 and at most 10",
    learning_rate="NaN",
)
_hyperparameters(
    "unknown backbone",
    "backbone is 'resnet101', but it must be one of resnet50_fpn, resnet50_fpn_v2,",
    backbone='"resnet101"',
)
_hyperparameters(
    "a flag that is neither",
    "deterministic is 'maybe', but it must be true or false",
    deterministic="maybe",
)
_hyperparameters(
    "half a worker",
    "num_workers is '1.5', but it must be a whole number from 0 to 256",
    num_workers="1.5",
)
_hyperparameters(
    "sizes the wrong way round",
    "max_size is 600, but it must be at least min_size (800)",
    max_size="600",
)
_hyperparameters(
    "three at once",
    "3 hyperparameters are wrong: (1) there is no hyperparameter 'epochs' - did you mean "
    "num_epochs?; (2) momentum is '2', but it must be a number from 0 to 0.999; (3) optimizer "
    "is 'adam', but it must be one of sgd, adamw",
    epochs="3",
    optimizer="adam",
    momentum="2",
)


@_told(
    "more classes in the data than num_classes",
    "DataError: num_classes is 2, but the training channel has 2 classes (cat, dog) and the "
    "background - set num_classes to 3 or leave it out",
)
def _too_few_classes(job: Job) -> None:
    job.coco()
    job.set(num_classes="2", pretrained="none")


def _raw_hyperparameters(job: Job, text: str) -> None:
    job.coco()
    job.set()
    (job.root / "input" / "config" / "hyperparameters.json").write_text(text)


@_told("hyperparameters that are no JSON", "ConfigurationError: ")
def _no_json(job: Job) -> None:
    _raw_hyperparameters(job, '{"num_epochs": ')


@_told("hyperparameters that are no object", "ConfigurationError: ")
def _no_object(job: Job) -> None:
    _raw_hyperparameters(job, "[1, 2]")


@_told("no channel at all", "DataError: there is no `training` channel (channels given: none).")
def _no_channel(job: Job) -> None:
    job.set(num_epochs="1")


@_told(
    "only a validation channel",
    "DataError: there is no `training` channel (channels given: validation).",
)
def _no_training(job: Job) -> None:
    job.coco("validation")


@_told("empty channel", f"DataError: channel training: it is empty - {LAYOUTS}")
def _empty(job: Job) -> None:
    job.training.mkdir(parents=True)


@_told(
    "pictures only",
    f"DataError: channel training: it holds 1 files but no annotations: a.jpg - {LAYOUTS}",
)
def _pictures_only(job: Job) -> None:
    write_picture(job.training / "a.jpg")


@_told(
    "an archive",
    "DataError: channel training: it holds archives: data/set.zip - unpack before the upload",
)
def _archive(job: Job) -> None:
    (job.training / "data").mkdir(parents=True)
    (job.training / "data" / "set.zip").write_bytes(b"PK")


@_told(
    "Pipe mode",
    "DataError: channel training is in Pipe mode - set its input mode to File or FastFile",
)
def _pipe_mode(job: Job) -> None:
    job.set()
    config = job.root / "input" / "config" / "inputdataconfig.json"
    config.write_text('{"training": {"TrainingInputMode": "Pipe"}}')
    job.channel("training_0").parent.mkdir()
    os.mkfifo(job.channel("training_0"))


@_told(
    "annotations that are no COCO",
    "DataError: channel training: none of its JSON files is COCO instances: a.json - " + LAYOUTS,
)
def _not_coco(job: Job) -> None:
    job.training.mkdir(parents=True)
    (job.training / "a.json").write_text('{"shapes": [], "imagePath": "a.jpg"}')


@_told(
    "annotations too deep in folders",
    "DataError: channel training: it holds 3 files but no annotations: ",
)
def _too_deep(job: Job) -> None:
    write_coco(job.training / "my" / "data")


@_told(
    "truncated JSON",
    "DataError: channel training: annotations.json is not whole JSON (line 1, column",
)
def _truncated_json(job: Job) -> None:
    job.text(json.dumps(coco()).encode()[:-40])


@_told(
    "Latin-1 JSON",
    "DataError: channel training: annotations.json is not UTF-8 (byte 0xe9 at 10) - "
    "save it as UTF-8",
)
def _latin_1(job: Job) -> None:
    job.text('{"name": "é", "images": []}'.encode("latin-1"))


@_told(
    "a byte-order mark before an empty file",
    "DataError: channel training: annotations.json is not whole JSON (line 1, column 1: Expecting "
    "value) - upload it again",
)
def _mark_only(job: Job) -> None:
    job.text(b"\xef\xbb\xbf")


@_told("deep nesting", "DataError: channel training: annotations.json is nested too deeply")
def _deep_nesting(job: Job) -> None:
    job.text(b'{"images": ' + b"[" * 200_000)


_document(
    "picture that is not there",
    "annotations.json names pictures that are not there: gone.jpg - add them to the channel or "
    "take their entries out",
    images=[{"id": 1, "file_name": "gone.jpg"}, {"id": 2, "file_name": "b.jpg"}],
)
_document(
    "path out of the channel",
    "annotations.json names pictures that are not there: ../../../../etc/passwd - add",
    images=[{"id": 1, "file_name": "../../../../etc/passwd"}, {"id": 2, "file_name": "b.jpg"}],
)
_document(
    "category that is not listed",
    "annotations.json has annotations of categories that it does not list: annotation 1 "
    "(category_id 9) - correct or remove them",
    annotations=[annotation(category_id=9)],
)
_document(
    "image that is not listed",
    "annotations.json has annotations of images that it does not list: annotation 1 - correct",
    annotations=[annotation(image_id=9)],
)
_document("no categories", "annotations.json has no list of categories - export", categories=None)
_document(
    "two pictures of one id",
    "annotations.json uses an image id twice: 1 (a.jpg, b.jpg) - correct or remove them",
    images=[{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}],
    annotations=[annotation()],
)
_document(
    "boxes only",
    "annotations.json has annotations without a segmentation: annotation 1, annotation 2 - "
    "Mask R-CNN learns from outlines: draw them, or remove these annotations",
    annotations=[annotation(1, segmentation=[]), annotation(2, segmentation=None)],
)
_document(
    "not a number among points",
    "annotations.json has outlines with values that are not numbers: annotation 1 (NaN or",
    annotations=[annotation(segmentation=[[10, 10, float("nan"), 10, 30, 30]])],
)
_document(
    "run lengths of another picture",
    "annotations.json has run lengths of another size than the picture's: annotation 1 "
    "([8, 8], the picture has [48, 64]) - correct or remove them",
    annotations=[annotation(segmentation={"size": [8, 8], "counts": [64]})],
)
_document(
    "annotations of the pictures before they were scaled",
    "annotations.json was made for pictures of another size: a.jpg (640 x 480, the upright "
    "picture has 64 x 48) - scale the annotations with the pictures, or export them again",
    images=[{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
    annotations=[],
)
_document(
    "only negatives",
    "in its 2 pictures is no instance to learn from - add annotations of what is to be found",
    annotations=[],
)


@_told(
    "truncated JPEG",
    "DataError: channel training: pictures that cannot be used: a.jpg is broken or cut short",
)
def _truncated_jpeg(job: Job) -> None:
    path = job.coco() / "a.jpg"
    path.write_bytes(path.read_bytes()[:-40])


@_told(
    "empty and foreign pictures",
    "DataError: channel training: pictures that cannot be used: a.jpg is empty, b.jpg is not a "
    "JPEG, PNG, WebP, BMP, TIFF or GIF picture - replace them",
)
def _foreign_pictures(job: Job) -> None:
    (job.coco() / "a.jpg").write_bytes(b"")
    (job.training / "b.jpg").write_text("<html>404</html>")


@_told(
    "mask of another size",
    "DataError: channel training: masks that cannot be used: PedMasks/one_mask.png has 32 x 48 "
    "pixels, its picture (upright) 64 x 48 - replace them",
)
def _mask_of_another_size(job: Job) -> None:
    write_pairs(job.training)
    write_mask(job.training / "PedMasks" / "one_mask.png", square_mask(width=32))


@_told(
    "mask in colours",
    "DataError: channel training: masks that cannot be used: PedMasks/one_mask.png is in colour: "
    "a mask holds one number a pixel (8 or 16 bit grey, or palette) - replace them",
)
def _mask_in_colours(job: Job) -> None:
    write_pairs(job.training)
    write_picture(job.training / "PedMasks" / "one_mask.png")


@_told(
    "picture without a mask",
    "DataError: channel training: pictures without a mask in PedMasks: PNGImages/two.png - add "
    "one (all 0 when there is nothing to see)",
)
def _no_mask(job: Job) -> None:
    write_pairs(job.training)
    (job.training / "PedMasks" / "two_mask.png").unlink()


@_told(
    "one picture, and a part of it to hold out",
    "DataError: the training channel has one picture, so none can be held out - add pictures",
)
def _one_picture(job: Job) -> None:
    write_pairs(job.training, ("one",))


@_told(
    "validation of other classes",
    "DataError: channel validation: classes that the training channel does not have: fox - use "
    "the class names of training",
)
def _foreign_classes(job: Job) -> None:
    job.coco()
    job.coco("validation", categories=[{"id": 3, "name": "cat"}, {"id": 7, "name": "fox"}])


@_told("empty validation channel", "DataError: channel validation: it is empty - " + LAYOUTS)
def _empty_validation(job: Job) -> None:
    job.coco()
    job.channel("validation").mkdir()


def _model_channel(job: Job, name: str, data: bytes) -> None:
    job.coco()
    job.channel("model").mkdir()
    (job.channel("model") / name).write_bytes(data)


@_told(
    "no model in the model channel",
    "DataError: channel model holds no model: model.json and model.safetensors are needed, or one "
    "model.tar.gz with them, but model.pth is there - give what an earlier job left",
)
def _no_model(job: Job) -> None:
    _model_channel(job, "model.pth", b"")


@_told(
    "half a model.tar.gz",
    "DataError: model.tar.gz in channel model cannot be unpacked (",
)
def _half_an_archive(job: Job) -> None:
    _model_channel(job, "model.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03")


@_told(
    "model.tar.gz of another algorithm",
    "DataError: model.tar.gz in channel model holds no model.json and no model.safetensors - give",
)
def _foreign_archive(job: Job) -> None:
    _model_channel(job, "model.tar.gz", b"")
    with tarfile.open(job.channel("model") / "model.tar.gz", "w:gz") as archive:
        archive.add(job.training / "a.jpg", "model.pth")
