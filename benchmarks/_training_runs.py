"""The trainings that the accuracy gate compares: what each one is, and one of them done.

A run is a job (which pictures, which network), a recipe (`plain`: torchvision's references; `ours`:
the same recipe by our train; `small`: our setting for small data) and a seed. All seeds are judged
on the same held-out pictures; the batches of `plain` and `ours` hold the same pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torchvision.models.detection import MaskRCNN

from _plain_torchvision import plain_answers, plain_batches, plain_model, plain_rate, plain_step
from backbone import Norm, freeze_stages
from channel import load_channel
from dataset import Dataset, split
from distributed import Ranks, layout_of
from engine import Trainer
from evaluation import Evaluation, evaluate
from hyperparameters import Hyperparameters, parse
from job import Folders, Job
from loader import epoch_order, tall
from model import build_model, save_model
from model_info import ModelInfo
from run import run_job
from sample_pictures import make_pictures
from validate import Validator
from weights import load_weights

Point = dict[str, float]
RECIPES = ("plain", "ours", "small")
# What a few hundred pictures want: strong variation, averaged weights, a rate that small
# pyramids stand thanks to their normalisation, and no more regions than there are people.
SMALL_DATA: dict[str, Any] = {
    "learning_rate": 0.02,
    "ema": 0.99,
    "augment": "strong",
    "rois_per_image": 128,
}
CLIP = 5.0
DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class Work:
    """Pictures and the recipe that all sides share; `chosen` is in our hyperparameters' words."""

    name: str
    chosen: dict[str, Any]
    norm: Norm
    judge_every: int
    weights: Path | None = None
    pictures: tuple[int, int] = (120, 50)

    def options(self, recipe: str, seed: int) -> Hyperparameters:
        """The hyperparameters of a run."""
        wanted = {**self.chosen, **(SMALL_DATA if recipe == "small" else {}), "seed": seed}
        return parse([word for name, value in wanted.items() for word in (f"--{name}", str(value))])

    def data(self, room: Path) -> tuple[Dataset, Dataset]:
        """What is learnt from and what is held out, the same for every seed."""
        if self.weights is None:
            if not (room / "annotations.json").is_file():
                make_pictures(room, sum(self.pictures), 1, (320, 240))
            whole = load_channel(room)
        else:
            whole = load_channel(self.weights.parent.parent / "PennFudanPed")
        return split(whole, self.pictures[1] / len(whole.pictures), seed=0)


def penn_fudan(root: Path, epochs: int = 5) -> Work:
    """120 street pictures of Penn-Fudan, from an ImageNet MobileNetV2; 60 steps an epoch."""
    chosen = {
        "backbone": "mobilenet_v2_fpn",
        "min_size": 320,
        "max_size": 512,
        "num_epochs": epochs,
        "learning_rate": 0.01,
        "lr_scheduler": "cosine",
    }
    weights = root / "weights" / "mobilenet_v2_imagenet.safetensors"
    return Work("penn_fudan", chosen, "frozen", 30, weights)


def generated(epochs: int = 4) -> Work:
    """160 generated pictures and the demo's settings: a ResNet-18 from random weights."""
    chosen = {
        "backbone": "resnet18_fpn",
        "pretrained": "none",
        "min_size": 120,
        "max_size": 160,
        "num_epochs": epochs,
        "optimizer": "adamw",
        "learning_rate": 0.0005,
        "weight_decay": 0.01,
        "lr_scheduler": "cosine",
        "warmup_steps": 40,
        "rois_per_image": 32,
    }
    return Work("generated", chosen, "group", 80, None, (160, 60))


def tiny() -> Work:
    """Four steps, to see that everything fits together."""
    shared = {**generated(1).chosen, "min_size": 64, "max_size": 96, "rois_per_image": 8}
    return Work("tiny", shared, "group", 2, None, (8, 1))


class Clock:
    """CPU seconds of this process since it was made, judgements left out."""

    def __init__(self) -> None:
        self._began, self._judged = time.process_time(), 0.0

    def __call__(self) -> float:
        return time.process_time() - self._began - self._judged

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """What happens in here takes no time."""
        began = time.process_time()
        yield
        self._judged += time.process_time() - began


def train(work: Work, recipe: str, seed: int, folder: Path) -> dict[str, Any]:
    """One run; its model is in `folder`/model, its curve and last figures come back."""
    training, held_out = work.data(folder.parent / f"{work.name}_pictures")
    options = work.options(recipe, seed)
    info = _info(work, options, training)
    validator = Validator(held_out, Ranks(layout_of({}), DEVICE), sharded=False)
    clock, curve = Clock(), list[Point]()

    def judge(step: int, network: Any) -> None:
        seconds = round(clock(), 2)
        with clock.stopped():
            if isinstance(network, MaskRCNN) and not hasattr(network, "_normalised"):
                ours = build_model(info)
                ours.load_state_dict(network.state_dict())
                network = ours
            found = validator(network, info)
            assert found is not None
            curve.append({"step": step, "seconds": seconds, **_figures(found)})
            print(work.name, recipe, seed, curve[-1], flush=True)

    if recipe == "plain":
        model = _plain(work, options, training, judge)
        save_model(folder / "model", model.state_dict(), info)
        own = evaluate(held_out, plain_answers(model, held_out.pictures))
        final = _figures(own)
    else:
        _ours(work, options, training, folder, judge)
        final = {key: curve[-1][key] for key in ("bbox_map", "segm_map", "segm_map50")}
    return {"curve": curve, **final}


def _plain(
    work: Work, options: Hyperparameters, training: Dataset, judge: Callable[[int, Any], None]
) -> MaskRCNN:
    torch.manual_seed(options.seed)
    classes, sizes = len(training.class_names) + 1, (options.min_size, options.max_size)
    model = plain_model(options.backbone, work.norm, classes, sizes, options.rois_per_image)
    if work.weights is not None:
        load_weights(model, work.weights)
        freeze_stages(model.backbone, options.trainable_layers)
    parameters = [p for p in model.parameters() if p.requires_grad]
    rate, decay = options.learning_rate, options.weight_decay
    optimizer: torch.optim.Optimizer
    if options.optimizer == "adamw":
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    else:
        optimizer = torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay)
    model.train()
    order = epoch_order(tall(training.pictures), options.batch_size, options.seed, 0)
    step, total = 0, len(order) * options.num_epochs
    for epoch in range(options.num_epochs):
        for batch in plain_batches(training, options.batch_size, options.seed, epoch):
            now = plain_rate(step, total, rate, min(options.warmup_steps, total // 2))
            plain_step(model, optimizer, batch, now, CLIP)
            step += 1
            if step % work.judge_every == 0:
                judge(step, model)
    return model


def _ours(
    work: Work,
    options: Hyperparameters,
    training: Dataset,
    folder: Path,
    judge: Callable[[int, Any], None],
) -> None:
    class Watched(Trainer):
        """Our trainer, looked at every so many steps."""

        def run_epoch(self, order: Any, stop: Any, after_step: Any) -> bool:
            def then_judge(done: int) -> None:
                after_step(done)
                if self.progress.step % work.judge_every == 0:
                    judge(self.progress.step, self.evaluated)

            return super().run_epoch(order, stop, then_judge)

    parts = Folders(
        folder / "model", folder / "output", folder / "checkpoints", folder / "tb", work.weights
    )
    # The job itself holds nothing out: the judge above does, the same for both sides.
    nothing = replace(training, pictures=())
    job = Job(options, training, nothing, parts, False, {})
    with patch("run.Trainer", Watched):
        run_job(job)


def _info(work: Work, options: Hyperparameters, training: Dataset) -> ModelInfo:
    return ModelInfo(
        backbone=options.backbone,
        norm=work.norm,
        class_names=training.class_names,
        category_ids=training.category_ids,
        min_size=options.min_size,
        max_size=options.max_size,
        score_threshold=0.05,
        max_detections=100,
    )


def _figures(found: Evaluation) -> dict[str, float]:
    return {
        "bbox_map": round(found.bbox["map"], 4),
        "segm_map": round(found.segm["map"], 4),
        "segm_map50": round(found.segm["map50"], 4),
    }
