"""Where a job starts from: the network, its first weights, and the description it is saved with."""

from __future__ import annotations

import platform
from pathlib import Path

import torch
import torchvision

from backbone import Norm, freeze_stages
from errors import DataError
from job import Job
from model import WEIGHTS_NAME, ModelInfo, build_model, load_model, read_info
from network import Network
from weights import load_weights


def starting_point(job: Job) -> tuple[Network, ModelInfo, str]:
    """The network with its first weights, its description, and where the weights are from."""
    chosen, folders = job.chosen, job.folders
    torch.manual_seed(chosen.seed)
    if folders.start is not None:
        network, info, said = _from_model(job, folders.start)
    else:
        source = folders.weights
        info = _info(job, _norm(chosen.backbone, source is not None))
        network = build_model(info, chosen.rois_per_image)
        said = "random weights" if source is None else load_weights(network, source)
    if info.norm == "frozen":
        freeze_stages(network.backbone, chosen.trainable_layers)
    return network, info, said


def versions() -> dict[str, str]:
    """What the model was made with."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }


def _from_model(job: Job, folder: Path) -> tuple[Network, ModelInfo, str]:
    """Go on from the `model` channel; class layers start fresh if the classes changed."""
    before, chosen = read_info(folder), job.chosen
    if before.backbone != chosen.backbone:
        raise DataError(
            f"the model channel holds a {before.backbone} model, but backbone is "
            f"{chosen.backbone}. Set backbone={before.backbone}."
        )
    info = _info(job, before.norm)
    network = build_model(info, chosen.rois_per_image)
    if before.class_names != info.class_names:
        return network, info, load_weights(network, folder / WEIGHTS_NAME)
    network.load_state_dict(load_model(folder)[0].state_dict())
    return network, info, "the model channel, all layers"


def _norm(backbone: str, pretrained: bool) -> Norm:
    if backbone == "resnet50_fpn_v2":
        return "batch"
    # Pretrained statistics stay as they are: a step's two pictures would only blur them.
    return "frozen" if pretrained else "group"


def _info(job: Job, norm: Norm) -> ModelInfo:
    chosen, training = job.chosen, job.training
    return ModelInfo(
        backbone=chosen.backbone,
        norm=norm,
        class_names=training.class_names,
        category_ids=training.category_ids,
        min_size=chosen.min_size,
        max_size=chosen.max_size,
        score_threshold=chosen.score_threshold,
        max_detections=chosen.max_detections,
        precision=chosen.precision,
        versions=versions(),
    )
