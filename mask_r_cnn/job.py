"""What a training job is made of, once it is known to be sound; no torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset import Dataset
from hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Folders:
    """Where a job reads starting weights and leaves what it makes."""

    model: Path
    output: Path
    checkpoints: Path
    events: Path
    weights: Path | None = None
    start: Path | None = None


@dataclass(frozen=True)
class Job:
    """A checked training job: the hyperparameters, the pictures and the folders."""

    chosen: Hyperparameters
    training: Dataset
    validation: Dataset
    folders: Folders
    sharded: bool
    environ: dict[str, str]
