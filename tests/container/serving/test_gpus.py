"""What NVML says of the GPUs: against a library with NVML's own signatures, which cc makes here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from container.serving import gpus as under_test
from container.serving.gpus import Gpu, gpus

#: As in nvml.h: a whole GPU, and one that is cut into slices and tells no utilisation.
NVML = r"""
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned int gpu, memory; } utilization_t;
typedef struct { int number; } *device_t;
static struct { int number; } devices[2] = {{0}, {1}};
static int ready;
int nvmlInit_v2(void) { ready = 1; return FAILS; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 3; return ready ? 0 : 1; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, device_t *device) {
    if (index > 1) return 6;
    *device = (device_t)&devices[index];
    return 0;
}
int nvmlDeviceGetUUID(device_t device, char *uuid, unsigned int length) {
    if (length < 96) return 7;
    strcpy(uuid, device == (device_t)&devices[0] ? "GPU-one" : "GPU-two");
    return 0;
}
int nvmlDeviceGetMemoryInfo(device_t device, memory_t *memory) {
    memory->total = 85899345920ULL; memory->used = 6442450944ULL; memory->free = 79456894976ULL;
    return 0;
}
int nvmlDeviceGetUtilizationRates(device_t device, utilization_t *rates) {
    if (device == (device_t)&devices[1]) return 3;
    rates->gpu = 37; rates->memory = 5;
    return 0;
}
"""
needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(autouse=True)
def forgets() -> Iterator[None]:
    under_test._load.cache_clear()
    yield
    under_test._load.cache_clear()


def library(folder: Path, fails: int = 0) -> str:
    made = str(folder / f"libnvml{fails}.so")
    command = ["cc", "-shared", "-fPIC", "-w", f"-DFAILS={fails}", "-x", "c", "-", "-o", made]
    subprocess.run(command, input=NVML, text=True, check=True)
    return made


@needs_cc
def test_what_a_gpu_tells_and_what_it_does_not(tmp_path: Path):
    used, total = 6 << 30, 80 << 30
    assert gpus(library(tmp_path)) == [
        Gpu("GPU-one", used, total, 0.37),
        Gpu("GPU-two", used, total, None),
    ]


@needs_cc
def test_a_driver_that_does_not_start_is_none(tmp_path: Path):
    assert gpus(library(tmp_path, fails=9)) == []


def test_no_driver_is_none():
    assert gpus("libnvidia-ml-that-nobody-has.so.1") == []
