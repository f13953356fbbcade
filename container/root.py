"""Every path of the SageMaker contract below one root: /opt/ml, or SAGEMAKER_BASE_DIR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Root:
    """The folder tree that SageMaker mounts, wherever it is."""

    base: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Root:
        """The root that this environment names. Absolute: the program runs in another folder."""
        return cls(Path(environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml").absolute())

    @property
    def code(self) -> Path:
        return self.base / "code"

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def checkpoints(self) -> Path:
        return self.base / "checkpoints"

    @property
    def input(self) -> Path:
        return self.base / "input"

    @property
    def input_config(self) -> Path:
        return self.input / "config"

    @property
    def input_data(self) -> Path:
        return self.input / "data"

    @property
    def output(self) -> Path:
        return self.base / "output"

    @property
    def output_data(self) -> Path:
        return self.output / "data"

    @property
    def output_intermediate(self) -> Path:
        return self.output / "intermediate"

    @property
    def failure(self) -> Path:
        return self.output / "failure"

    @property
    def message(self) -> Path:
        """What a Processing job says at its end."""
        return self.output / "message"

    @property
    def processing_config(self) -> Path:
        return self.base / "config" / "processingjobconfig.json"
