"""What computes a model's predictions: OpenVINO on a CPU, torch on a GPU.

MASK_R_CNN_ENGINE is auto, torch or openvino. auto takes torch where there is a GPU, OpenVINO where
there is none, and what is installed if only one is; but for int8 both give the same answers.

MASK_R_CNN_PRECISION is auto, fp32, bf16 or int8. auto is int8 on CPUs that compute in it if the
training job found the model good enough so (quantization.json), else what model.json says.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detection import Detection
from model_info import ModelInfo

VARIABLE = "MASK_R_CNN_ENGINE"
NAMES = ("auto", "torch", "openvino")
PRECISION = "MASK_R_CNN_PRECISION"
PRECISIONS = ("auto", "fp32", "bf16", "int8")
# Proposals that are less likely than this to hold a thing are not looked at in serving. Where a
# model is sure of itself a picture takes half of the time, at the same AP; 0.01 lost 0.7 points.
LEAST_OBJECTNESS = 0.001


class Engine(Protocol):
    """A loaded model."""

    info: ModelInfo
    at_once: int  # pictures in one pass

    def warm_up(self) -> None:
        """Do what would make the first request slower than those after it."""
        ...

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        *,
        score_threshold: float | None = None,
        max_detections: int | None = None,
        masks: bool = True,
    ) -> list[list[Detection]]:
        """Detections of each picture ([H, W, 3] uint8 RGB), best score first, in its own pixels.

        What is None is as the model has it. With `masks` each detection has its COCO RLE.
        """
        ...


def preload(folder: Path) -> None:
    """Do the part of `load_engine` that starts no thread, for this process and all forked of it."""
    if choice(os.environ.get(VARIABLE, ""), _sees_gpu()) == "openvino":
        import openvino_engine

        openvino_engine.prepare(folder)
    else:
        import torch_engine  # noqa: F401


def load_engine(folder: Path, gpu: int | None = None) -> Engine:
    """The model of a folder, ready to predict; `gpu` is the one that the server gives, if any."""
    if choice(os.environ.get(VARIABLE, ""), gpu is not None or _sees_gpu()) == "openvino":
        from openvino_engine import OpenVinoEngine

        return OpenVinoEngine(folder)
    from torch_engine import TorchEngine

    return TorchEngine(folder, gpu)


def wanted_precision() -> str:
    """One of PRECISIONS, as MASK_R_CNN_PRECISION says."""
    return _one_of(PRECISIONS, PRECISION, os.environ.get(PRECISION, ""))


def choice(wanted: str, gpu: bool) -> str:
    """The engine's name: as wanted, else the one that is quickest here."""
    name = _one_of(NAMES, VARIABLE, wanted)
    if name != "auto":
        return name
    quickest, other = ("torch", "openvino") if gpu else ("openvino", "torch")
    return quickest if importlib.util.find_spec(quickest) else other


def _one_of(names: Sequence[str], variable: str, wanted: str) -> str:
    name = wanted.strip().lower() or "auto"
    if name not in names:
        raise ValueError(f"{variable}={wanted!r} is unknown - set it to {', '.join(names)}")
    return name


def _sees_gpu() -> bool:
    """Whether the driver's device is here: on Linux, or in Windows' subsystem for it."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()
