"""A trained model on disk and in memory: save it, load it, predict with it.

On disk a model is two files: `model.safetensors` (the weights, float32, torchvision's
names) and `model.json` (everything else that is needed to use them). Never a pickle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from detection import Detection, Raw, detections_of
from model_info import INFO_NAME, WEIGHTS_NAME, ModelInfo, info_from, misfit, read_info
from network import Network, build_network
from precision import autocast, resolve_precision
from quantization import QUANTIZATION_NAME
from resize import fit_size, resize_picture, stack_pictures

__all__ = ["INFO_NAME", "WEIGHTS_NAME", "ModelInfo", "info_from", "read_info"]


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
        (folder / QUANTIZATION_NAME).unlink(missing_ok=True)  # of the weights before
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


def load_model(folder: Path, device: torch.device | str = "cpu") -> tuple[Network, ModelInfo]:
    """The network of a model folder in evaluation mode on `device`, and its description."""
    info = read_info(folder)
    with torch.device("meta"), _Undrawn():  # no memory and no numbers: the file has them
        network = build_model(info)
    try:
        network.load_state_dict(load_file(folder / WEIGHTS_NAME), strict=True, assign=True)
    except (SafetensorError, RuntimeError) as error:
        # torch's first line names the class, the second the layers.
        reason = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise misfit(folder, reason) from error
    anchors = network.rpn.anchor_generator  # the only tensors that are in no file
    anchors.cell_anchors = [
        anchors.generate_anchors(*both) for both in zip(anchors.sizes, anchors.aspect_ratios)
    ]
    network.eval().to(device, memory_format=torch.channels_last)
    return network, info


class _Undrawn(TorchFunctionMode):
    """Leaves out drawing: without memory it would only load torch's compiler, for half a second."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if getattr(func, "__module__", "") == "torch.nn.init":
            return (kwargs or {})["tensor"]
        return args[0] if func in (Tensor.normal_, Tensor.uniform_) else func(*args, **kwargs or {})


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
    precision = info.precision
    if precision == "fp16" and device.type == "cpu":  # trained on a GPU, served without one
        precision = "auto"
    with autocast(device, resolve_precision(precision, device)), _mask_head(model, masks):
        outputs = model(batch.to(device), sizes)
    return [
        detections_of(_raw(output, masks), image.shape, size, threshold, limit)
        for output, image, size in zip(outputs, images, sizes)
    ]


def _raw(output: dict[str, Tensor], masks: bool) -> Raw:
    # As float32: in half precision the threshold would be rounded, and 0.3496 pass for 0.35.
    grids = output["masks"][:, 0].float().cpu().numpy() if masks else None
    boxes, scores = (output[name].float().cpu().numpy() for name in ("boxes", "scores"))
    return Raw(boxes, scores, output["labels"].cpu().numpy(), grids)


@contextmanager
def _mask_head(model: Network, wanted: bool) -> Iterator[None]:
    """The network without its mask head, unless it is wanted: torchvision skips what is None."""
    pool = model.roi_heads.mask_roi_pool
    model.roi_heads.mask_roi_pool = pool if wanted else None
    try:
        yield
    finally:
        model.roi_heads.mask_roi_pool = pool
