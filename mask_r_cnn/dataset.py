"""Pictures and their classes as one data set, and how it is split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from errors import DataError
from instances import Instance, MaskFile, Picture, Polygons, Rle
from packing import PackedPictures
from raster import instance_rle, rasterise

__all__ = [
    "Dataset",
    "Instance",
    "MaskFile",
    "Picture",
    "Polygons",
    "Rle",
    "check_num_classes",
    "instance_rle",
    "rasterise",
    "split",
]


@dataclass(frozen=True)
class Dataset:
    """Pictures and their classes: label i (from 1) is category_ids[i - 1]; 0 is background."""

    pictures: Sequence[Picture]
    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    notes: dict[str, int] = field(default_factory=dict)  # what was left out or corrected, counted

    def __len__(self) -> int:
        return len(self.pictures)

    def summary(self) -> dict[str, Any]:
        """Counts pictures and instances, by class too, and what was left out."""
        counts, crowds, empty = _counted(self.pictures, len(self.class_names))
        return {
            "pictures": len(self.pictures),
            "pictures_without_instances": empty,
            "instances": sum(counts),
            "crowds": crowds,
            "classes": dict(zip(self.class_names, counts, strict=True)),
            "notes": dict(self.notes),
        }


def split(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Holds out a part by chance, the same for the same seed; each keeps a picture at least."""
    number = len(dataset)
    if fraction > 0 and number < 2:
        raise DataError(
            "the training channel has one picture, so none can be held out - add pictures, "
            "a validation channel, or set validation_fraction to 0"
        )
    held = min(max(round(number * fraction), 1 if fraction > 0 else 0), max(number - 1, 0))
    order = np.random.default_rng(seed).permutation(number)
    parts = np.sort(order[held:]), np.sort(order[:held])
    training, validation = (replace(dataset, pictures=_chosen(dataset, part)) for part in parts)
    return training, validation


def check_num_classes(dataset: Dataset, num_classes: int | None) -> int:
    """Returns the number of classes, background included; DataError when another was asked for."""
    found = len(dataset.class_names) + 1
    if num_classes is not None and num_classes != found:
        some = ", ".join(dataset.class_names[:5]) + (", …" if found > 6 else "")
        raise DataError(
            f"num_classes is {num_classes}, but the training channel has {found - 1} classes "
            f"({some}) and the background - set num_classes to {found} or leave it out"
        )
    return found


def _chosen(dataset: Dataset, indices: Any) -> Sequence[Picture]:
    if isinstance(dataset.pictures, PackedPictures):
        return dataset.pictures.select(indices)
    return tuple(dataset.pictures[int(index)] for index in indices)


def _counted(pictures: Sequence[Picture], classes: int) -> tuple[list[int], int, int]:
    """Counts instances by class, crowds, and pictures with no instance."""
    if isinstance(pictures, PackedPictures):
        counts, crowds, empty = pictures.label_counts(classes)
        return counts.tolist(), crowds, empty
    instances = [one for picture in pictures for one in picture.instances]
    tally = Counter(one.label for one in instances if not one.crowd)
    return (
        [tally[label] for label in range(1, classes + 1)],
        sum(one.crowd for one in instances),
        sum(not picture.instances for picture in pictures),
    )
