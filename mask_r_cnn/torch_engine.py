"""Predictions by torch: on a GPU, and on a CPU where OpenVINO is not installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

# First, as what follows imports torch, and then torchvision.
import later  # noqa: F401

# isort: split
import no_compiler  # noqa: F401

# isort: split
import numpy as np
import torch
from numpy.typing import NDArray

from detection import Detection
from engines import LEAST_OBJECTNESS, PRECISION, wanted_precision
from model import load_model, predict
from resize import STRIDE


class TorchEngine:
    """An `Engine` of torch."""

    def __init__(self, folder: Path, gpu: int | None = None) -> None:
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", gpu or 0) if cuda else torch.device("cpu")
        self.network, info = load_model(folder, self.device)
        wanted = wanted_precision()
        if wanted == "int8":
            raise ValueError(f"{PRECISION}=int8 is OpenVINO's alone - on a GPU leave it unset")
        self.info = info if wanted == "auto" else replace(info, precision=wanted)
        self.network.rpn.score_thresh = LEAST_OBJECTNESS
        # On a CPU a batch is not faster than its pictures one by one, only larger.
        self.at_once = 8 if cuda else 1

    def warm_up(self) -> None:
        """See `engines.Engine`: on a CPU no kernel is made for a size, a tiny picture is enough."""
        info, side = self.info, self.info.min_size
        if self.device.type == "cpu":
            info, side = replace(info, min_size=STRIDE, max_size=STRIDE), STRIDE
        predict(
            self.network, info, [np.zeros((side, min(side * 4 // 3, info.max_size), 3), np.uint8)]
        )

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        *,
        score_threshold: float | None = None,
        max_detections: int | None = None,
        masks: bool = True,
    ) -> list[list[Detection]]:
        """See `engines.Engine`."""
        return predict(
            self.network,
            self.info,
            images,
            score_threshold=score_threshold,
            max_detections=max_detections,
            masks=masks,
        )
