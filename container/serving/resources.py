"""What this container may use: cores and memory that the cgroup grants, GPUs that it sees.

The machine's own figures are wrong inside a container (contract item 52), so the cgroup's limits
are read, version 2 and version 1, from our own group up to the root: the tightest one counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
NO_GPU = ("", "-1", "none", "void", "nodevfiles")


@dataclass(frozen=True, slots=True)
class Resources:
    """Cores (half a core is 0.5), bytes of memory, and the names of the visible GPUs."""

    cores: float
    memory: int
    gpus: tuple[str, ...]


def measure(environ: Mapping[str, str], root: Path = ROOT) -> Resources:
    """Look at the machine below `root`; imports nothing heavy."""
    return Resources(cores(root), memory_limit(root), visible_gpus(environ, root))


def visible_gpus(environ: Mapping[str, str], root: Path = ROOT) -> tuple[str, ...]:
    """Values for CUDA_VISIBLE_DEVICES, one a GPU or MIG slice."""
    chosen = environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return _until_invalid(chosen)
    if environ.get("NVIDIA_VISIBLE_DEVICES", "all").lower() in NO_GPU:
        return ()
    devices = [p for p in (root / "dev").glob("nvidia[0-9]*") if p.name[6:].isdigit()]
    if not devices and not (root / "dev/dxg").exists():  # dxg: a GPU under Windows' Linux
        return ()
    return _slices_and_gpus() or tuple(str(index) for index in range(len(devices)))


def _until_invalid(chosen: str) -> tuple[str, ...]:
    """CUDA's own rule: the list ends at the first name that is none."""
    names: list[str] = []
    for name in (part.strip() for part in chosen.split(",")):
        if name.lower() in NO_GPU:
            break
        names.append(name)
    return tuple(names)


def _slices_and_gpus() -> tuple[str, ...]:
    """UUIDs by nvidia-smi: a GPU that is cut into MIG slices counts as its slices."""
    if shutil.which("nvidia-smi") is None:
        return ()
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_listing(listing)


def parse_listing(listing: str) -> tuple[str, ...]:
    """The UUIDs to use out of `nvidia-smi -L`."""
    found: list[str] = []
    for line in listing.splitlines():
        _, marker, rest = line.partition("(UUID: ")
        if not marker:
            continue
        uuid = rest.rstrip().rstrip(")")
        if uuid.startswith("MIG-") and found and found[-1].startswith("GPU-"):
            found.pop()  # the GPU of this slice: not usable as a whole
        found.append(uuid)
    return tuple(found)


def cores(root: Path = ROOT) -> float:
    """The cores that this process may use; half a core is 0.5."""
    limits = [float(len(os.sched_getaffinity(0)))]
    for folder in _groups(root, "cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if not period:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            limits.append(int(quota) / int(period))
    return min(limits)


def memory_limit(root: Path = ROOT) -> int:
    """Bytes of memory that this container may use."""
    limits = [_physical_memory(root)]
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _text(folder / name)
            if text.isdigit():
                limits.append(int(text))
    return min(limits)


def _physical_memory(root: Path) -> int:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Our control group's folder and those above it, in whichever version is mounted."""
    mount = root / "sys/fs/cgroup"
    yield mount
    yield mount / controller
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base = mount
        elif controller in controllers.split(","):
            base = mount / controller
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for count in range(len(parts), 0, -1):
            yield base.joinpath(*parts[:count])


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
