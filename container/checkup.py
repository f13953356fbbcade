"""The checks of `doctor`, each a finding with a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from container.algorithm import HERE, find_algorithm, only_serves
from container.check_files import check_line_ends, check_programs, check_size
from container.devices import Machine, this_machine
from container.errors import HarnessError
from container.finding import Finding, State
from container.frameworks import PROGRAMS, SERVING_PROGRAMS, Frameworks, import_algorithm

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
SMALL_SHARED_MEMORY = 1 << 30
# CUDA's major version -> the oldest driver that runs it:
# https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
OLDEST_DRIVER = {"11": (450, 80), "12": (525, 60), "13": (580, 65)}


def checkup(environ: Mapping[str, str], budget_mb: int | None = None) -> Iterator[Finding]:
    """Every finding, one after the other: the slow ones last."""
    machine = this_machine(environ)
    yield check_python()
    yield check_programs(environ.get("PATH", ""))
    yield check_machine(machine)
    yield check_shared_memory(machine)
    try:
        algorithm = find_algorithm(environ)
    except HarnessError as error:
        yield Finding("algorithm", State.FAIL, str(error))
        return
    yield check_line_ends([HERE, algorithm])
    yield check_versions()
    programs = SERVING_PROGRAMS if only_serves(environ) else PROGRAMS
    frameworks, finding = check_imports(algorithm, programs)
    yield finding
    yield check_gpu(machine, frameworks)
    yield check_size(budget_mb)


def check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return Finding("python", State.OK, f"{version} at {sys.executable}")
    return Finding("python", State.FAIL, f"{version}. Use Python 3.10 to 3.13.")


def check_machine(machine: Machine) -> Finding:
    driver = f", driver {machine.driver}" if machine.driver else ""
    return Finding("machine", State.OK, f"{machine.cpus} CPUs, {machine.gpus} GPUs{driver}")


def check_shared_memory(machine: Machine) -> Finding:
    size = machine.shared_memory
    if size is None:
        return Finding("shared memory", State.NOTE, "there is no /dev/shm")
    text = f"/dev/shm has {size >> 20} MB"
    if size >= SMALL_SHARED_MEMORY:
        return Finding("shared memory", State.OK, text)
    return Finding("shared memory", State.NOTE, f"{text}: little for data loaders, see --shm-size")


def check_versions(
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
) -> Finding:
    """Whether the installed packages fit each other, by pip's own word."""
    done = run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    said = (done.stdout or done.stderr).strip().splitlines() or ["pip check said nothing"]
    state = State.OK if done.returncode == 0 else State.FAIL
    return Finding("versions", state, "; ".join(said[:5]))


def check_imports(
    algorithm: Path, programs: Sequence[str] = PROGRAMS
) -> tuple[Frameworks | None, Finding]:
    """Whether the algorithm's programs load, in a process of its own; what they brought along."""
    frameworks, problem = import_algorithm(algorithm, programs)
    if frameworks is None:
        return None, Finding("imports", State.FAIL, f"{algorithm.name}: {problem}")
    loaded = ", ".join(frameworks.modules)
    return frameworks, Finding(
        "imports", State.OK, f"{algorithm.name}: {loaded}; {frameworks.shown()}"
    )


def check_gpu(machine: Machine, frameworks: Frameworks | None) -> Finding:
    """Whether torch's CUDA, the driver and the GPUs go together."""
    cuda = frameworks.cuda if frameworks else None
    oldest = OLDEST_DRIVER.get(cuda.split(".")[0]) if cuda else None
    needs = f"CUDA {cuda}, driver {'.'.join(map(str, oldest))} or newer" if oldest else "no CUDA"
    if frameworks and cuda is None and "torch" not in frameworks.versions:
        return Finding("gpu", State.NOTE, f"{machine.gpus} here; there is no torch, CPUs compute")
    if machine.gpus == 0:
        return Finding("gpu", State.NOTE, f"none here; torch has {needs}")
    if frameworks is None or cuda is None:
        return Finding("gpu", State.NOTE, f"{machine.gpus} here, but torch has no CUDA")
    driver = machine.driver or "unknown"
    if oldest and machine.driver and _numbers(machine.driver) < oldest:
        return Finding("gpu", State.FAIL, f"driver {driver} is too old: torch has {needs}")
    if frameworks.devices == 0:
        return Finding("gpu", State.FAIL, f"{machine.gpus} here, driver {driver}; torch sees none")
    return Finding(
        "gpu", State.OK, f"torch sees {frameworks.devices}, driver {driver}, CUDA {cuda}"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
