"""A Mask R-CNN of random weights that behaves like a trained one where time is concerned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.models.detection import MaskRCNN
from torchvision.ops import FrozenBatchNorm2d

from _plain_torchvision import plain_model
from model import save_model
from model_info import ModelInfo

CLASSES = ("one", "other")


def scene(width: int, height: int) -> Image.Image:
    """Coloured clouds with grain: as large as a photo once it is a JPEG."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 32, width // 32, 3), np.uint8)
    clouds = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    grain = random.normal(0, 6, (height, width, 1))
    return Image.fromarray((clouds + grain).clip(0, 255).astype(np.uint8))


def calibrated(info: ModelInfo, picture: torch.Tensor) -> MaskRCNN:
    """Plain torchvision's model with the statistics of a picture in its frozen normalisations.

    Random weights with made-up statistics would give maps of zeros or of infinities.
    """
    torch.manual_seed(0)
    sizes = (info.min_size, info.max_size)
    model = plain_model(info.backbone, info.norm, info.num_classes, sizes).eval()
    norms = [module for module in model.modules() if isinstance(module, FrozenBatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_measured) for norm in norms]
    with torch.inference_mode():
        model([picture])
    for hook in hooks:
        hook.remove()
    return model


def _measured(norm: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
    variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
    norm.running_mean.copy_(mean)  # type: ignore[operator]
    norm.running_var.copy_(variance)  # type: ignore[operator]


def folder_of(model: MaskRCNN, info: ModelInfo, place: Path) -> Path:
    """The model as a training job would have left it."""
    save_model(place, model.state_dict(), info)
    return place


def info_of(backbone: str, min_size: int, max_size: int = 1333) -> ModelInfo:
    """The description of such a model."""
    return ModelInfo(backbone, "frozen", CLASSES, (1, 2), min_size, max_size, 0.05, 100)
