"""What this machine computes with: CPUs, GPUs, shared memory, driver."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# ml.p3.2xlarge, ml.g5.xlarge, ml.gr6.4xlarge; not ml.c6g or ml.m6g, whose g is for Graviton.
_GPU_INSTANCE = re.compile(r"ml\.(p|g|gr)\d")


@dataclass(frozen=True, slots=True)
class Machine:
    """What this host computes with."""

    cpus: int
    gpus: int
    neurons: int = 0
    shared_memory: int | None = None
    driver: str | None = None
    smddprun: bool = False
    smddpmprun: bool = False


def this_machine(environ: Mapping[str, str]) -> Machine:
    """The machine that we run on."""
    return Machine(
        cpus=count_cpus(),
        gpus=count_gpus(environ),
        neurons=count_neurons(),
        shared_memory=shared_memory_bytes(),
        driver=driver_version(),
        smddprun=shutil.which("smddprun") is not None,
        smddpmprun=shutil.which("smddpmprun") is not None,
    )


def missing_gpu(instance_type: str, machine: Machine, environ: Mapping[str, str]) -> str:
    """What is wrong when a GPU instance shows no GPU, in a sentence; empty when nothing is.

    Training for hours on the CPU of such an instance is dear, and easily not noticed.
    """
    wanted = _GPU_INSTANCE.match(instance_type) and "CUDA_VISIBLE_DEVICES" not in environ
    if not wanted or machine.gpus or environ.get("BYOA_ALLOW_CPU", "").lower() in ("1", "true"):
        return ""
    return (
        f"{instance_type} has GPUs, but none is seen in this container"
        f" (driver: {machine.driver or 'none'}). Check that the image sets NVIDIA_VISIBLE_DEVICES,"
        " or set BYOA_ALLOW_CPU=1 to train on the CPU."
    )


def count_cpus() -> int:
    """The CPUs of the machine, as sagemaker-training counts them."""
    return os.cpu_count() or 1


def count_gpus(environ: Mapping[str, str], devices: Path = Path("/dev")) -> int:
    """The GPUs that a program here can use.

    CUDA_VISIBLE_DEVICES wins. Without nvidia-smi (NVIDIA_DRIVER_CAPABILITIES=compute leaves it
    out) the device files are counted.
    """
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return _count_visible(visible)
    if shutil.which("nvidia-smi") is None:
        return sum(1 for path in devices.glob("nvidia[0-9]*") if path.name[6:].isdigit())
    return sum(1 for line in _nvidia_smi("--list-gpus") if line.startswith("GPU "))


def _count_visible(visible: str) -> int:
    """How many devices CUDA_VISIBLE_DEVICES names: CUDA stops at the first that it cannot be."""
    count = 0
    for name in (part.strip() for part in visible.split(",")):
        if not name or name == "-1" or name.lower() in ("nodevfiles", "none", "void"):
            break
        count += 1
    return count


def count_neurons() -> int:
    """The Neuron cores of the machine; our images have no driver for them, so nearly always 0."""
    if shutil.which("neuron-ls") is None:
        return 0
    try:
        listing = subprocess.run(
            ["neuron-ls", "-j"], capture_output=True, timeout=30, check=True
        ).stdout
        return sum(int(item.get("nc_count", 0)) for item in json.loads(listing))
    except (OSError, subprocess.SubprocessError, ValueError, AttributeError, TypeError):
        return 0


def driver_version(version_file: Path = Path("/proc/driver/nvidia/version")) -> str | None:
    """The NVIDIA driver of the host, such as 550.163.01; None without one."""
    try:
        words = version_file.read_text().splitlines()[0].split()
    except (OSError, IndexError):
        return None
    return next((word for word in words if word[:1].isdigit() and "." in word), None)


def shared_memory_bytes(path: str = "/dev/shm") -> int | None:
    """The size of shared memory, which data loader workers pass pictures through."""
    try:
        facts = os.statvfs(path)
    except OSError:
        return None
    return facts.f_blocks * facts.f_frsize


def _nvidia_smi(*arguments: str) -> list[str]:
    try:
        done = subprocess.run(
            ["nvidia-smi", *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()
