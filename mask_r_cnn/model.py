"""A trained model on disk and in memory: save it, load it, predict with it.

On disk a model is two files: `model.safetensors` (the weights, float32, torchvision's
names) and `model.json` (everything else that is needed to use them). Never a pickle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from backbone import Norm
from errors import DataError
from evaluation import Detection
from network import Network, build_network
from precision import autocast, resolve_precision
from resize import fit_size, resize_picture, stack_pictures
from rle import encode_masks

WEIGHTS_NAME = "model.safetensors"
INFO_NAME = "model.json"
_FORMAT = 1


@dataclass(frozen=True)
class ModelInfo:
    """What model.json holds: how to build the network and how to read its answers."""

    backbone: str
    norm: Norm
    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    min_size: int
    max_size: int
    score_threshold: float
    max_detections: int
    precision: str = "auto"
    metrics: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    format: int = _FORMAT

    @property
    def num_classes(self) -> int:
        """Classes with the background counted as one."""
        return len(self.class_names) + 1


def build_model(info: ModelInfo, rois_per_image: int = 512) -> Network:
    """The untrained network that `info` describes."""
    return build_network(
        info.backbone, info.norm, info.num_classes, info.max_detections, rois_per_image
    )


def save_model(folder: Path, state: dict[str, Tensor], info: ModelInfo) -> None:
    """Write both files, each under a temporary name first, so that no half model is ever seen."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    weights = folder / f".{WEIGHTS_NAME}.tmp"
    text = folder / f".{INFO_NAME}.tmp"
    try:
        save_file(tensors, weights, metadata={"format": "pt"})
        text.write_text(json.dumps(asdict(info), indent=2) + "\n", encoding="utf-8")
        os.replace(weights, folder / WEIGHTS_NAME)
        os.replace(text, folder / INFO_NAME)
    except SafetensorError as error:
        # safetensors wraps the system's error: a full disk must read as one.
        raise OSError(f"writing {folder / WEIGHTS_NAME} failed: {error}") from error
    finally:
        weights.unlink(missing_ok=True)
        text.unlink(missing_ok=True)


def read_info(folder: Path) -> ModelInfo:
    """model.json of a model folder; DataError names what is missing or wrong in it."""
    path = folder / INFO_NAME
    if not path.is_file() or not (folder / WEIGHTS_NAME).is_file():
        found = ", ".join(sorted(entry.name for entry in folder.iterdir())) or "nothing"
        raise DataError(
            f"{folder} holds no model: {INFO_NAME} and {WEIGHTS_NAME} are needed, found {found}. "
            "Give the folder (or the unpacked model.tar.gz) that a training job left."
        )
    try:
        info = info_from(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} is not a model description: {error}. Train the model again."
        ) from error
    if info.format > _FORMAT:
        raise DataError(
            f"{path} has format {info.format}; this program reads up to {_FORMAT}. "
            "Use a newer image."
        )
    return info


def info_from(raw: dict[str, Any]) -> ModelInfo:
    """The description that a parsed model.json holds."""
    names, ids = tuple(raw["class_names"]), tuple(raw["category_ids"])
    return ModelInfo(**{**raw, "class_names": names, "category_ids": ids})


def load_model(folder: Path, device: torch.device | str = "cpu") -> tuple[Network, ModelInfo]:
    """The network of a model folder in evaluation mode on `device`, and its description."""
    info = read_info(folder)
    network = build_model(info)
    try:
        network.load_state_dict(load_file(folder / WEIGHTS_NAME), strict=True)
    except (SafetensorError, RuntimeError) as error:
        # torch's first line names the class, the second the layers.
        reason = " ".join(line.strip() for line in str(error).splitlines()[:2])[:300]
        raise DataError(
            f"{folder / WEIGHTS_NAME} does not fit {INFO_NAME}: {reason}. "
            "Copy both files of one job."
        ) from error
    network.eval().to(device, memory_format=torch.channels_last)
    return network, info


@torch.inference_mode()
def predict(
    model: Network,
    info: ModelInfo,
    images: Sequence[NDArray[np.uint8]],
    *,
    score_threshold: float | None = None,
    max_detections: int | None = None,
    masks: bool = True,
) -> list[list[Detection]]:
    """Detections of each picture ([H, W, 3] uint8 RGB), best score first, in its own pixels.

    With `masks` each detection carries its COCO RLE at the picture's full size.
    """
    if not images:
        return []
    threshold = info.score_threshold if score_threshold is None else score_threshold
    device = next(model.parameters()).device
    resized = [
        resize_picture(image, *fit_size(image.shape[:2], info.min_size, info.max_size))
        for image in images
    ]
    batch, sizes = stack_pictures(resized)
    limit = info.max_detections if max_detections is None else max_detections
    # The mask head works only for what is given out. Low scores never suppress high ones, so
    # nothing else changes; the margin is for scores in half precision.
    model.roi_heads.score_thresh = threshold * 0.98
    model.roi_heads.detections_per_img = limit
    with autocast(device, resolve_precision(info.precision, device)), _mask_head(model, masks):
        outputs = model(batch.to(device), sizes)
    return [
        _detections(output, image.shape[:2], size, threshold, limit, masks)
        for output, image, size in zip(outputs, images, sizes)
    ]


@contextmanager
def _mask_head(model: Network, wanted: bool) -> Iterator[None]:
    """The network without its mask head, unless it is wanted: torchvision skips what is None."""
    pool = model.roi_heads.mask_roi_pool
    model.roi_heads.mask_roi_pool = pool if wanted else None
    try:
        yield
    finally:
        model.roi_heads.mask_roi_pool = pool


def _detections(
    output: dict[str, Tensor],
    full: tuple[int, ...],
    size: tuple[int, int],
    threshold: float,
    limit: int,
    masks: bool,
) -> list[Detection]:
    # As float32: in half precision the threshold would be rounded, and 0.3496 pass for 0.35.
    keep = torch.nonzero(output["scores"].float() >= threshold).flatten()[:limit]
    scale = torch.tensor([full[1] / size[1], full[0] / size[0]] * 2)
    boxes = (output["boxes"][keep].float().cpu() * scale).numpy()
    scores = output["scores"][keep].float().cpu().tolist()
    labels = output["labels"][keep].cpu().tolist()
    rles: Sequence[dict[str, Any] | None] = [None] * len(labels)
    if masks and labels:
        grids = output["masks"][keep][:, 0].float().cpu().numpy()
        rles = encode_masks(grids, boxes, full[0], full[1])
    return [
        Detection(label, score, tuple(box), rle)
        for label, score, box, rle in zip(labels, scores, boxes.tolist(), rles)
    ]
