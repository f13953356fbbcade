"""Predictions by OpenVINO on a CPU: from the same two files, without torch.

One graph takes pictures of every size: there is no shape that a client could be the first to ask
for and wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# First, as what follows imports openvino.
import no_converter  # noqa: F401

# isort: split
from openvino import Core, Model

from cores import compute_threads
from detection import Detection, Raw, detections_of
from engines import LEAST_OBJECTNESS, PRECISION, wanted_precision
from errors import DataError
from graph import build_graph
from graph_values import Weights
from model_info import WEIGHTS_NAME, ModelInfo, misfit, read_info
from quantization import QUANTIZATION_NAME, Range, read_quantization
from resize import STRIDE, fit_size, resize_array
from weights_file import let_go, mapped_weights

_CLASSES = "roi_heads.box_predictor.cls_score.bias"
_CPU_INFO = Path("/proc/cpuinfo")
# What multiplies and adds bytes at once. Without it int8 is no faster, and sums may overflow.
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8"}


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A model before it is compiled: no thread was started for it."""

    info: ModelInfo
    weights: dict[str, NDArray[Any]]
    graph: Model
    core: Core
    settings: Mapping[str, Any]


_prepared: dict[Path, _Prepared] = {}


def prepare(folder: Path) -> None:
    """What an engine of this folder does first; the next one of it need not."""
    _prepared[folder] = _prepare(folder)


def _prepare(folder: Path) -> _Prepared:
    info = read_info(folder)
    wanted_precision()  # what is wrong with it is no model's fault
    try:
        weights = mapped_weights(folder / WEIGHTS_NAME)
        if len(weights[_CLASSES]) != info.num_classes:
            raise misfit(folder, f"it has {len(weights[_CLASSES])} classes")
        ranges = int8_ranges(folder, weights, info)
        graph = build_graph(weights, info.backbone, least=LEAST_OBJECTNESS, ranges=ranges)
    except KeyError as error:
        raise misfit(folder, f"it has no {error}") from error
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise misfit(folder, str(error).strip().splitlines()[-1]) from error
    core = Core()
    return _Prepared(info, weights, graph, core, _settings(core, info))


class OpenVinoEngine:
    """An `Engine` of OpenVINO."""

    at_once = 1  # on a CPU a batch is not faster than its pictures one by one

    def __init__(self, folder: Path) -> None:
        ready = _prepared.pop(folder, None) or _prepare(folder)
        self.info = ready.info
        self._compiled = ready.core.compile_model(ready.graph, "CPU", dict(ready.settings))
        self._request = self._compiled.create_infer_request()
        self._weights = ready.weights

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        *,
        score_threshold: float | None = None,
        max_detections: int | None = None,
        masks: bool = True,
    ) -> list[list[Detection]]:
        """See `engines.Engine`."""
        info = self.info
        threshold = info.score_threshold if score_threshold is None else score_threshold
        limit = info.max_detections if max_detections is None else max_detections
        found = []
        for image in images:
            size = fit_size(image.shape, info.min_size, info.max_size)
            raw = self._infer(resize_array(image, *size), threshold, limit, masks)
            found.append(detections_of(raw, image.shape, size, threshold, limit))
        return found

    def warm_up(self) -> None:
        """See `engines.Engine`: one tiny picture makes every kernel that does not know its size.

        Each took its weights into memory of its own, in its own order: the file's lie idle then.
        """
        self._infer(np.zeros((STRIDE, STRIDE, 3), np.uint8), 0.0, 1, True)
        let_go(self._weights)

    def _infer(self, image: NDArray[np.uint8], threshold: float, limit: int, masks: bool) -> Raw:
        height, width = image.shape[:2]
        answers = self._request.infer(
            {
                "picture": _padded(image),
                "limits": np.array([width, height, width, height], np.float32),
                # A little less, as the torch engine asks: scores may differ in the last bit.
                "least": np.float32(threshold * 0.98),
                "most": np.int64(limit),
                "masks": np.int64(limit if masks else 0),
            },
            share_inputs=True,
        )
        boxes, scores, labels, grids, _ = answers.values()
        return Raw(boxes, scores, labels, grids if masks else None)


def _padded(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[1, H, W, 3], black at the right and below up to whole strides."""
    height, width = (-(-side // STRIDE) * STRIDE for side in image.shape[:2])
    padded = np.zeros((1, height, width, 3), np.uint8)
    padded[0, : image.shape[0], : image.shape[1]] = image
    return padded


def _settings(core: Core, info: ModelInfo) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": _precision(core, info.precision),
        "INFERENCE_NUM_THREADS": compute_threads(),
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # Several model processes share the cores: each would pin itself to the first ones.
        "ENABLE_CPU_PINNING": False,
        # What a size of pictures needs is kept by oneDNN, 1,024 pieces of code at most. The cache
        # of the plugin would keep another 5,000: half a gigabyte after some hundred sizes.
        "CPU_RUNTIME_CACHE_CAPACITY": 0,
        # A third of the time to compile, and nothing to inference: its code generator for chains
        # of elementwise operations, which the plugin fuses anyway.
        "SNIPPETS_MODE": "DISABLE",
    }


def int8_ranges(folder: Path, weights: Weights, info: ModelInfo) -> dict[str, Range]:
    """The inputs' ranges of the layers that are to compute in int8; none where it is not wanted."""
    wanted = wanted_precision()
    if wanted in ("fp32", "bf16"):
        return {}
    found = read_quantization(folder, weights)
    if wanted == "int8":
        if not _has_int8():
            print(f"{PRECISION}=int8 on a CPU without VNNI or AMX: slower, and sums may overflow")
        if found is None:
            raise DataError(
                f"{PRECISION}=int8 needs {folder / QUANTIZATION_NAME}, which a training job writes "
                "that has enough held-out pictures (its log says so). Unset it, or train again."
            )
        return found.ranges
    if found is None or info.precision == "fp32":
        return {}
    return found.ranges if found.int8 and _has_int8() else {}


def _has_int8() -> bool:
    return _CPU_INFO.is_file() and bool(_INT8_FLAGS & set(_CPU_INFO.read_text().split()))


def _precision(core: Core, precision: str) -> str:
    """bf16 where the processor computes in it, unless the model or the variable asks for float32.

    What int8 leaves is computed in this, too.
    """
    wanted = wanted_precision()
    if wanted == "fp32" or (wanted == "auto" and precision == "fp32"):
        return "f32"
    capable = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if capable else "f32"
