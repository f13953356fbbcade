"""The two sides of a training step on the CPU: plain torchvision's loop, and our Trainer's.

Same model, first weights, pictures, sizes, batch, flips, SGD and gradient clipping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.ops import FrozenBatchNorm2d

from _plain_torchvision import plain_example, plain_model
from augment import Augmentation
from backbone import freeze_stages
from dataset import Dataset
from distributed import Ranks, layout_of
from engine import Trainer
from hyperparameters import Hyperparameters
from loader import Loader, epoch_order, tall
from network import build_network

CPU = torch.device("cpu")
TRAINABLE = 3


@dataclass(frozen=True)
class Side:
    """One way to take a step."""

    step: Callable[[], None]
    close: Callable[[], None] = lambda: None


def hyperparameters(backbone: str, side: int = 320) -> Hyperparameters:
    """torchvision's detection recipe at a size that a CPU trains on."""
    return Hyperparameters(
        backbone=backbone,
        min_size=side,
        max_size=side * 8 // 5,
        trainable_layers=TRAINABLE,
        learning_rate=0.001,
        warmup_steps=0,
        num_epochs=100_000,
        lr_step_size=100_000,
    )


def plain_network(data: Dataset, chosen: Hyperparameters) -> MaskRCNN:
    """torchvision's model with frozen norms that have statistics, its first stages frozen."""
    torch.manual_seed(0)
    sizes = (chosen.min_size, chosen.max_size)
    model = plain_model(chosen.backbone, "frozen", len(data.class_names) + 1, sizes)
    freeze_stages(model.backbone, TRAINABLE)
    settle(model, sample(data, chosen))
    return model


@torch.no_grad()
def settle(model: MaskRCNN, pictures: torch.Tensor) -> None:
    """Give the frozen norms the statistics of these pictures, as pretrained ones would have."""

    def take(module: nn.Module, inputs: Any) -> None:
        module.running_mean.copy_(inputs[0].mean((0, 2, 3)))  # type: ignore[operator]
        module.running_var.copy_(inputs[0].var((0, 2, 3)) + 1e-3)  # type: ignore[operator]

    norms = [m for m in model.modules() if isinstance(m, FrozenBatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    model.backbone(pictures)
    for hook in hooks:
        hook.remove()


def sample(data: Dataset, chosen: Hyperparameters) -> torch.Tensor:
    """A batch of normalised pictures."""
    augmentation = Augmentation("none", chosen.min_size, chosen.max_size)
    image = augmentation(data.pictures[0], np.random.default_rng(0)).image
    return (image[None].float() / 255 - 0.45) / 0.225


def plain_side(model: MaskRCNN, data: Dataset, chosen: Hyperparameters) -> Side:
    """The loop of torchvision's detection references with their float pictures and full masks."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(
        parameters, chosen.learning_rate, chosen.momentum, weight_decay=chosen.weight_decay
    )
    batches = plain_batches(data, chosen)
    model.train()

    def step() -> None:
        images, targets = next(batches)
        loss = sum(model(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, chosen.gradient_clip)
        optimizer.step()

    return Side(step)


def plain_batches(data: Dataset, chosen: Hyperparameters) -> Iterator[Any]:
    """The batches of our own order, made the references' way."""
    rng = np.random.default_rng(chosen.seed)
    for batch in orders(data, chosen):
        yield tuple(zip(*(plain_example(data.pictures[index], rng) for index in batch)))


def orders(data: Dataset, chosen: Hyperparameters) -> Iterator[list[int]]:
    """Batches without end, epoch after epoch."""
    epoch = 0
    while True:
        yield from epoch_order(tall(data.pictures), chosen.batch_size, chosen.seed, epoch)
        epoch += 1


def our_trainer(
    state: Mapping[str, Any],
    data: Dataset,
    chosen: Hyperparameters,
    proposals: int | None,
    loader: Loader | None = None,
) -> Trainer:
    """What run.py makes of a job, but for the first weights."""
    classes = len(data.class_names) + 1
    network = build_network(chosen.backbone, "frozen", classes, 100, chosen.rois_per_image)
    network.load_state_dict(state)
    freeze_stages(network.backbone, TRAINABLE)
    if proposals is not None:
        network.rpn._post_nms_top_n["training"] = proposals
    if loader is None:
        variation = Augmentation(chosen.augment, chosen.min_size, chosen.max_size)
        loader = Loader(data.pictures, variation, chosen.seed, threads=1)
    return Trainer(network, chosen, Ranks(layout_of({}), CPU), loader)


def our_side(trainer: Trainer, data: Dataset, chosen: Hyperparameters) -> Side:
    """An epoch of a single batch a step: its decoding is in the step's CPU time, too."""
    batches = orders(data, chosen)

    def step() -> None:
        trainer.run_epoch([next(batches)], lambda: False, lambda _: None)
        trainer.finish_epoch()

    return Side(step, trainer.loader.close)
