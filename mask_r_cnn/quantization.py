"""What of a model may be computed in int8: `quantization.json`, beside its two other files.

It holds the range of the numbers that each layer is given, as a training job measured them, and
whether that job found the model good enough so. A model without the file is served as ever.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import DataError

QUANTIZATION_NAME = "quantization.json"
_FORMAT = 1
_MOST_BYTES = 1 << 20
_LARGEST = 1e6
_AT_ONCE = 1 << 17  # weights: half a megabyte
# Few operations, and all of the answer's precision: boxes, classes, masks. Squeeze-and-excitation
# is small, too. Layers of few channels, depthwise ones among them, gain nothing and lose most: a
# fifth of the error that int8 leaves in the maps of a MobileNet comes of its first three blocks.
_EXACT = (
    "rpn.head.cls_logits",
    "rpn.head.bbox_pred",
    "roi_heads.box_predictor",
    "roi_heads.mask_predictor",
)
_SQUEEZE = (".fc1.weight", ".fc2.weight")
_FEWEST_CHANNELS = 32
_CLASSES = "roi_heads.box_predictor.cls_score.weight"

Range = tuple[float, float]


@dataclass(frozen=True)
class Quantization:
    """Layers' ranges, and `int8` where they are good enough; `weights` tells whose they are."""

    ranges: dict[str, Range]
    weights: int
    int8: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    format: int = _FORMAT


@dataclass(frozen=True)
class Steps:
    """How numbers become whole ones: divided by `size`, rounded, cut at both ends."""

    size: float
    low: int
    high: int


def steps_of(ends: Range) -> Steps:
    """256 steps over a range: from 0 where nothing is negative, else around 0."""
    low, high = ends
    if low >= 0:
        return Steps(max(high, 1e-6) / 255, 0, 255)
    return Steps(max(-low, high) / 127, -128, 127)


def sound(low: float, high: float) -> bool:
    """Whether a range can be used: finite, not beyond reason, with 0 in it."""
    return -_LARGEST <= low <= 0 <= high <= _LARGEST  # and so never nan


def eight_bits(
    weight: NDArray[Any], gain: NDArray[Any] | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights as whole numbers of -127 to 127, and what each output channel is multiplied by.

    `gain` multiplies the channels before. All is done a part at a time that stays in the
    processor's cache: a server has every layer's to do before it is ready.
    """
    flat = np.reshape(weight, (len(weight), -1))
    whole, size = np.empty(flat.shape, np.int8), np.empty(len(flat), np.float32)
    rows = min(len(flat), max(1, _AT_ONCE // flat.shape[1]))
    room = np.empty((rows, flat.shape[1]), np.float32)
    for place in range(0, len(flat), rows):
        here = slice(place, place + rows)
        part, by = room[: len(flat[here])], 1 if gain is None else gain[here, None]
        np.multiply(flat[here], by, out=part)
        most = np.maximum(part.max(1), -part.min(1))
        size[here] = np.where(most > 0, most / np.float32(127), np.float32(1))
        part *= (1 / size[here])[:, None]
        whole[here] = np.rint(part, out=part)
    return whole.reshape(weight.shape), size


def int8_layers(weights: Mapping[str, Any]) -> list[str]:
    """The layers of a state dict that int8 is for; of a tensor only its `shape` is looked at."""
    return [
        name.removesuffix(".weight")
        for name, tensor in weights.items()
        if name.endswith(".weight")
        and len(tensor.shape) in (2, 4)
        and min(tensor.shape[:2]) >= _FEWEST_CHANNELS
        and not name.startswith(_EXACT)
        and not name.endswith(_SQUEEZE)
    ]


def fingerprint(weights: Mapping[str, Any]) -> int:
    """A number that tells a job's weights from another's, of the array that says the classes."""
    array = weights[_CLASSES]
    if not isinstance(array, np.ndarray):  # a tensor of torch, perhaps of a GPU
        array = array.detach().cpu().numpy()
    return zlib.crc32(np.ascontiguousarray(array, np.float32).tobytes())


def save_quantization(folder: Path, found: Quantization) -> None:
    """Write the file, under another name first."""
    temporary = folder / f".{QUANTIZATION_NAME}.tmp"
    try:
        temporary.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, folder / QUANTIZATION_NAME)
    finally:
        temporary.unlink(missing_ok=True)


def read_quantization(folder: Path, weights: Mapping[str, Any]) -> Quantization | None:
    """What a model folder says of int8, if anything; DataError where it is not to be trusted."""
    path = folder / QUANTIZATION_NAME
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
        found = _checked(json.loads(path.read_text(encoding="utf-8")), _possible(weights))
        if found.weights != fingerprint(weights):
            raise ValueError("it was measured with other weights")
        return found
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} does not fit this model: {str(error)[:300]}. Copy all files of one job, or "
            "remove this one: the model answers without it, slower."
        ) from error


def _possible(weights: Mapping[str, Any]) -> set[str]:
    """The layers that can compute in int8: another version may have chosen others of them."""
    return {
        name.removesuffix(".weight")
        for name, tensor in weights.items()
        if len(tensor.shape) in (2, 4) and tensor.shape[1] > 1
    }


def _checked(raw: Any, layers: set[str]) -> Quantization:
    if not isinstance(raw, dict):
        raise TypeError("it is no object")
    if raw["format"] != _FORMAT:
        raise ValueError(f"format is {raw['format']!r}, this program reads {_FORMAT}")
    if not isinstance(raw["int8"], bool):
        raise TypeError(f"int8 is {raw['int8']!r}, not true or false")
    strangers = raw["ranges"].keys() - layers
    if strangers:
        raise ValueError(f"there is no layer {min(strangers)!r} for int8")
    ranges = {name: _range(name, ends) for name, ends in raw["ranges"].items()}
    return Quantization(ranges, raw["weights"], raw["int8"], dict(raw.get("metrics", {})))


def _range(name: str, ends: Any) -> Range:
    if isinstance(ends, list) and len(ends) == 2 and all(type(e) in (int, float) for e in ends):
        low, high = ends
        if sound(low, high):
            return float(low), float(high)
    raise ValueError(f"the range of {name} is {ends!r}, not two numbers around 0")
