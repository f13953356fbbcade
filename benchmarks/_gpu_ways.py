"""Two ways to train on a device: a job's steps, and the loop of torchvision's references."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from _plain_torchvision import plain_example, plain_model
from augment import Augmentation
from dataset import Dataset
from distributed import Ranks, layout_of
from engine import Trainer
from hyperparameters import Hyperparameters
from loader import Loader, epoch_order, tall
from network import build_network


@dataclass(frozen=True)
class Setting:
    """What is trained, and how long it is watched."""

    chosen: Hyperparameters
    picture: tuple[int, int]
    batches: tuple[int, ...]
    steps: int
    rounds: int
    threads: int


FULL = Setting(
    Hyperparameters(batch_size=8, learning_rate=0.001, num_epochs=100_000, warmup_steps=0),
    (1333, 800),
    (1, 2, 4, 8, 16, 32),
    20,
    5,
    max(2, min(16, len(os.sched_getaffinity(0)))),
)
SMALL = Setting(
    replace(
        FULL.chosen,
        backbone="mobilenet_v2_fpn",
        batch_size=2,
        rois_per_image=16,
        min_size=64,
        max_size=96,
    ),
    (96, 64),
    (1,),
    1,
    1,
    1,
)


class Ours:
    """Steps as a job takes them."""

    def __init__(self, setting: Setting, data: Dataset, device: torch.device) -> None:
        chosen = self.chosen = setting.chosen
        torch.manual_seed(0)
        network = build_network(
            chosen.backbone, "frozen", len(data.class_names) + 1, 100, chosen.rois_per_image
        )
        if device.type == "cpu":
            # What a GPU would compute, where nothing can be waited for.
            network.rpn.fixed_sizes = network.roi_heads.fixed_sizes = True
        variation = Augmentation("flip", chosen.min_size, chosen.max_size)
        self.loader = Loader(data.pictures, variation, 0, setting.threads)
        self.trainer = Trainer(network, chosen, Ranks(layout_of({}), device), self.loader)
        self.trainer.look_every = 20
        self.order = list(batches(data, chosen.batch_size, setting.steps + 1))
        self.device = device
        self.waited = 0.0

    def block(self) -> float:
        """Seconds of all steps but the first, which waits for the loader to begin."""
        marks: list[tuple[float, float]] = []

        def after(done: int) -> None:
            if done in (1, len(self.order)):
                synchronize(self.device)
                marks.append((time.perf_counter(), self.trainer.feeder.waited))

        self.trainer.run_epoch(self.order, lambda: False, after)
        self.trainer.finish_epoch()
        (began, before), (ended, waited) = marks
        self.waited = (waited - before) / (ended - began)
        return ended - began


class Plain:
    """Steps of torchvision's references: every loss is looked at, as they do."""

    def __init__(
        self, setting: Setting, data: Dataset, device: torch.device, amp: bool = False
    ) -> None:
        chosen = setting.chosen
        torch.manual_seed(0)
        sizes = (chosen.min_size, chosen.max_size)
        classes = len(data.class_names) + 1
        self.model = plain_model(chosen.backbone, "frozen", classes, sizes, chosen.rois_per_image)
        self.model.to(device).train()
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            parameters, chosen.learning_rate, chosen.momentum, weight_decay=chosen.weight_decay
        )
        self.amp, self.device = amp, device
        order = list(batches(data, chosen.batch_size, setting.steps + 1))
        workers = setting.threads if device.type == "cuda" else 0
        self.batches = torch.utils.data.DataLoader(
            _Examples(data),
            batch_sampler=order,
            num_workers=workers,
            collate_fn=_together,
            persistent_workers=workers > 0,
        )

    def block(self) -> float:
        """Seconds of all steps but the first."""
        began = 0.0
        for index, (images, targets) in enumerate(self.batches):
            self.step(images, targets)
            if not index:
                synchronize(self.device)
                began = time.perf_counter()
        synchronize(self.device)
        return time.perf_counter() - began

    def step(self, images: Any, targets: Any) -> None:
        """One step of the references' loop."""
        device = self.device
        images = [image.to(device) for image in images]
        targets = [{name: value.to(device) for name, value in t.items()} for t in targets]
        with self._autocast():
            loss = sum(self.model(images, targets).values())
        if not np.isfinite(loss.item()):
            raise SystemExit("plain torchvision's loss is no number")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _autocast(self) -> AbstractContextManager[object]:
        if not self.amp:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


class _Examples(torch.utils.data.Dataset[Any]):
    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.rng = np.random.default_rng(0)

    def __getitem__(self, index: int) -> Any:
        return plain_example(self.data.pictures[index], self.rng)


def _together(examples: Any) -> Any:
    return tuple(zip(*examples))


def batches(data: Dataset, size: int, count: int) -> Iterator[list[int]]:
    """So many batches, epoch after epoch."""
    made, epoch = 0, 0
    while True:
        for batch in epoch_order(tall(data.pictures), size, 0, epoch):
            yield batch
            made += 1
            if made == count:
                return
        epoch += 1


def synchronize(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
