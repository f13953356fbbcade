"""What model.json says of a model: how to build its network and how to read its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from errors import DataError
from info_check import check_values

WEIGHTS_NAME = "model.safetensors"
INFO_NAME = "model.json"
_FORMAT = 1


@dataclass(frozen=True)
class ModelInfo:
    """What model.json holds: how to build the network and how to read its answers."""

    backbone: str
    norm: Literal["frozen", "batch", "group"]
    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    min_size: int
    max_size: int
    score_threshold: float
    max_detections: int
    precision: str = "auto"
    metrics: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    format: int = _FORMAT

    @property
    def num_classes(self) -> int:
        """Classes with the background counted as one."""
        return len(self.class_names) + 1


def read_info(folder: Path) -> ModelInfo:
    """model.json of a model folder; DataError names what is missing or wrong in it."""
    path = folder / INFO_NAME
    if not path.is_file() or not (folder / WEIGHTS_NAME).is_file():
        found = ", ".join(sorted(entry.name for entry in folder.iterdir())) or "nothing"
        raise DataError(
            f"{folder} holds no model: {INFO_NAME} and {WEIGHTS_NAME} are needed, found {found}. "
            "Give the folder (or the unpacked model.tar.gz) that a training job left."
        )
    try:
        info = info_from(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(
            f"{path} is not a model description: {error}. Train the model again."
        ) from error
    if info.format > _FORMAT:
        raise DataError(
            f"{path} has format {info.format}; this program reads up to {_FORMAT}. "
            "Use a newer image."
        )
    return info


def info_from(raw: dict[str, Any]) -> ModelInfo:
    """The description that a parsed model.json holds; a ValueError names what cannot be meant."""
    check_values(raw)
    names, ids = tuple(raw["class_names"]), tuple(raw["category_ids"])
    info = ModelInfo(**{**raw, "class_names": names, "category_ids": ids})
    if not isinstance(info.format, int) or isinstance(info.format, bool):
        raise TypeError(f"format is {info.format!r}")
    return info


def misfit(folder: Path, reason: str) -> DataError:
    """The error of weights that are not of the network that model.json describes."""
    return DataError(
        f"{folder / WEIGHTS_NAME} does not fit {INFO_NAME}: {reason[:300]}. "
        "Copy both files of one job."
    )
