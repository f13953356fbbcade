"""The trainings that the accuracy gate compares: what each one is, and one of them done.

A run is a job (which pictures, which network), a recipe (`plain`: torchvision's references; `ours`:
the same recipe by our train; `small`: our setting for small data) and a seed. All seeds are judged
on the same held-out pictures; the batches of `plain` and `ours` hold the same pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torchvision.models.detection import MaskRCNN

from _accuracy_works import Work
from _plain_torchvision import plain_answers, plain_batches, plain_model, plain_rate, plain_step
from backbone import freeze_stages
from dataset import Dataset
from distributed import Ranks, layout_of
from engine import Trainer
from evaluation import Evaluation, evaluate
from hyperparameters import Hyperparameters
from job import Folders, Job
from loader import epoch_order, tall
from model import build_model, save_model
from model_info import ModelInfo
from run import run_job
from validate import Validator
from weights import load_weights

Point = dict[str, float]
CLIP = 5.0
DEVICE = torch.device("cpu")


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
            if type(network) is MaskRCNN:  # the same judge for both sides
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
