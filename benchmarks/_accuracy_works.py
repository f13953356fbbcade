"""What the accuracy gate trains on: pictures, network and recipe, in our hyperparameters' words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backbone import Norm
from channel import load_channel
from dataset import Dataset, split
from hyperparameters import Hyperparameters, parse
from sample_pictures import make_pictures

# What a few hundred pictures want: strong variation, averaged weights, a rate that small
# pyramids stand thanks to their normalisation, and no more regions than there are people.
SMALL_DATA: dict[str, Any] = {
    "learning_rate": 0.02,
    "ema": 0.99,
    "augment": "strong",
    "rois_per_image": 128,
}


@dataclass(frozen=True)
class Work:
    """Pictures and the recipe that all sides share; `chosen` is in our hyperparameters' words."""

    name: str
    chosen: dict[str, Any]
    norm: Norm
    judge_every: int
    weights: Path | None = None
    pictures: tuple[int, int] = (120, 50)
    small: dict[str, Any] = field(default_factory=dict)

    def options(self, recipe: str, seed: int) -> Hyperparameters:
        """The hyperparameters of a run."""
        setting = {**SMALL_DATA, **self.small} if recipe == "small" else {}
        wanted = {**self.chosen, **setting, "seed": seed}
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


def penn_fudan(root: Path, epochs: int = 5, long: bool = False) -> Work:
    """120 street pictures of Penn-Fudan, from an ImageNet MobileNetV2; 60 steps an epoch.

    `long` is for how far the small-data setting gets: larger pictures and 34 epochs.
    """
    chosen = {
        "backbone": "mobilenet_v2_fpn",
        "min_size": 320,
        "max_size": 512,
        "num_epochs": epochs,
        "learning_rate": 0.01,
        "lr_scheduler": "cosine",
    }
    weights = root / "weights" / "mobilenet_v2_imagenet.safetensors"
    if long:
        chosen |= {"min_size": 400, "max_size": 640, "num_epochs": 34}
        return Work("penn_fudan_long", chosen, "frozen", 120, weights, small={"ema": 0.998})
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
