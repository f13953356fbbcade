"""A safetensors file as arrays that are not read before they are used, and never copied.

The processes that serve one model share the pages of its file.
Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
}
_LENGTH = 8  # bytes that say how long the header is


def mapped_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a file by name; ValueError where it is not what its header says."""
    # Copied on write: OpenVINO takes only arrays that may be written to, and never does.
    data = np.memmap(path, np.uint8, mode="c")
    length = int.from_bytes(data[:_LENGTH].tobytes(), "little")
    start = _LENGTH + length
    if len(data) < start:
        raise ValueError("the file ends before its header does")
    header = json.loads(data[_LENGTH:start].tobytes())
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    header.pop("__metadata__", None)
    return {name: _tensor(data[start:], name, told) for name, told in header.items()}


def let_go(weights: dict[str, NDArray[Any]]) -> None:
    """The memory of what was read of the file is free; who reads it again finds it in the file."""
    base: Any = next(iter(weights.values()), None)  # all are of one mapping
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _tensor(data: NDArray[np.uint8], name: str, told: dict[str, Any]) -> NDArray[Any]:
    begin, end = told["data_offsets"]
    dtype, shape = _TYPES.get(told["dtype"]), told["shape"]
    if dtype is None:
        raise ValueError(f"{name} is of type {told['dtype']}")
    if not 0 <= begin <= end <= len(data) or end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} is cut short, or of another shape than the header says")
    return data[begin:end].view(dtype).reshape(shape)
