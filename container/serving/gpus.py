"""What the GPUs that this container sees are doing, asked of NVML: the driver brings it along.

No torch, no CUDA context, no nvidia-smi. What a GPU does not tell (a MIG slice has no utilisation)
is left out.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
OK = 0
UUID_LENGTH = 96


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class _Utilisation(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU by its UUID: bytes used and in all, the share of the last moment that it worked."""

    uuid: str
    used: int | None
    total: int | None
    busy: float | None


def gpus(library: str = LIBRARY) -> list[Gpu]:
    """All that NVML shows here; none where there is no driver."""
    nvml = _load(library)
    count = ctypes.c_uint()
    if nvml is None or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != OK:
        return []
    handles = (_handle(nvml, index) for index in range(count.value))
    return [_look(nvml, handle) for handle in handles if handle is not None]


@lru_cache(maxsize=1)
def _load(library: str) -> Any:
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return None
    return nvml if nvml.nvmlInit_v2() == OK else None


def _handle(nvml: Any, index: int) -> ctypes.c_void_p | None:
    handle = ctypes.c_void_p()
    found = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle))
    return handle if found == OK else None


def _look(nvml: Any, handle: ctypes.c_void_p) -> Gpu:
    uuid, memory = ctypes.create_string_buffer(UUID_LENGTH), _Memory()
    utilisation = _Utilisation()
    length = ctypes.c_uint(UUID_LENGTH)
    named = nvml.nvmlDeviceGetUUID(handle, uuid, length) == OK
    sized = nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == OK
    worked = nvml.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(utilisation)) == OK
    return Gpu(
        uuid.value.decode(errors="replace") if named else "",
        memory.used if sized else None,
        memory.total if sized else None,
        utilisation.gpu / 100 if worked else None,
    )
