"""The first lines of a job's log: what runs where, on what, with which settings."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from container import __version__
from container.devices import Machine
from container.job import Job
from container.masking import shown

SMALL_SHARED_MEMORY = 1 << 30


def banner(job: Job, machine: Machine, environ: Mapping[str, str]) -> list[str]:
    """The lines, secrets masked."""
    name = environ.get("TRAINING_JOB_NAME")
    versions = f"byoa {__version__}, Python {platform.python_version()}"
    lines = [
        f"{versions}, job {name}" if name else versions,
        f"{_host(job)}, {_machine(machine)}",
        f"channels: {_channels(job)}",
        f"hyperparameters: {shown(job.hyperparameters.own) or 'none'}",
    ]
    if machine.shared_memory is not None and machine.shared_memory < SMALL_SHARED_MEMORY:
        lines.append(
            f"shared memory is only {machine.shared_memory >> 20} MB: data loader workers may die"
            " of a bus error; docker --shm-size makes more"
        )
    return lines


def _host(job: Job) -> str:
    cluster = job.cluster
    place = f"host {cluster.rank + 1} of {len(cluster.hosts)}"
    return f"{cluster.current_host} ({place}, {cluster.instance_type})"


def _machine(machine: Machine) -> str:
    driver = f" (driver {machine.driver})" if machine.driver else ""
    return f"{_count(machine.cpus, 'CPU')}, {_count(machine.gpus, 'GPU')}{driver}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _channels(job: Job) -> str:
    if not job.channels:
        return "none"
    return ", ".join(_channel(job, name) for name in sorted(job.channels))


def _channel(job: Job, name: str) -> str:
    config = job.input_data_config[name]
    if isinstance(config, dict) and config.get("TrainingInputMode") == "Pipe":
        return f"{name} (pipe)"
    return name if (job.root.input_data / name).exists() else f"{name} (no folder here)"
