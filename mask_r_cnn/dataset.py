"""A channel as a data set: formats found by content, everything wrong with it told at once."""

from __future__ import annotations

import gc
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from categories import Categories
from channel_files import ChannelFiles
from coco import CocoReader, read_coco
from errors import DataError
from instances import Instance, MaskFile, Picture, Polygons, Rle
from mask_pairs import find_mask_pairs
from mask_reader import MaskReader
from packing import PackedPictures, Packer, merged
from problems import Problems
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
    "load_channel",
    "rasterise",
    "split",
]

_LAYOUTS = (
    "give it a COCO instances JSON and its pictures, or folders PNGImages/ and PedMasks/, "
    "or images/ and masks/"
)
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")


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


def load_channel(
    folder: Path,
    *,
    sharded: bool = False,
    categories: tuple[Sequence[str], Sequence[int]] | None = None,
) -> Dataset:
    """Reads a channel's pictures and annotations; one DataError tells all that is wrong.

    Sharded: the channel holds a part of the pictures, so the missing ones are counted only, and
    it may be empty. Categories: those of the training channel, for a channel that must share them.
    """
    problems, notes = Problems(folder.name), Counter[str]()
    if not folder.is_dir():
        raise DataError(_missing(folder))
    with _no_collector():
        files = ChannelFiles(folder)
        coco = [
            CocoReader(source, files, problems, notes)
            for name in _json_files(files)
            if (source := read_coco(folder, name, problems))
        ]
        # What a COCO file names, it says all about: masks beside it may be a drawing of the same
        named = set().union(*(reader.find(sharded) for reader in coco))
        pairs = find_mask_pairs(files, named, problems)
        masks = [MaskReader(pair, files, problems, notes) for pair in pairs]
        if not coco and not masks and not sharded:
            _nothing_found(files, problems)
        classes = Categories(categories)
        for entries in [one.classes() for one in coco] + [one.classes() for one in masks]:
            classes.add(entries)
        streams = [reader.pictures(classes) for reader in coco]
        streams += [reader.pictures(classes, sharded) for reader in masks]
        pictures = _packed(streams)
    problems.raise_if_any()
    dataset = Dataset(pictures, classes.names(), classes.ids(), dict(notes))
    if not sharded:
        _something_to_learn(dataset, folder.name, must_learn=categories is None)
    return dataset


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


def _packed(streams: Iterable[Iterable[Picture]]) -> PackedPictures:
    """Packs pictures that come in the order of their paths, and joins what is said about one."""
    packer = Packer()
    waiting: Picture | None = None
    for picture in heapq.merge(*streams, key=lambda picture: str(picture.path)):
        if waiting is not None and waiting.path == picture.path:
            waiting = merged(waiting, picture)
            continue
        if waiting is not None:
            packer.add(waiting)
        waiting = picture
    if waiting is not None:
        packer.add(waiting)
    return packer.pictures()


@contextmanager
def _no_collector() -> Iterator[None]:
    """Pauses the collector: millions of objects come and none is in a circle, so it only slows."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _json_files(files: ChannelFiles) -> list[str]:
    return [path for path in files.shallow() if path.lower().endswith(".json")]


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


def _something_to_learn(dataset: Dataset, channel: str, must_learn: bool) -> None:
    """Refuses a channel that names no picture, or none with an instance to learn from."""
    if not len(dataset):
        raise DataError(f"channel {channel} names no picture - {_LAYOUTS}")
    summary = dataset.summary()
    if must_learn and not summary["instances"]:
        left_out = "".join(f" ({what}: {count})" for what, count in dataset.notes.items())
        raise DataError(
            f"channel {channel}: in its {len(dataset)} pictures is no instance to learn from"
            f"{left_out} - add annotations of what is to be found"
        )


def _missing(folder: Path) -> str:
    pipe = folder.with_name(f"{folder.name}_0")
    if pipe.exists():
        return f"channel {folder.name} is in Pipe mode - set its input mode to File or FastFile"
    return f"channel {folder.name} is missing: {folder} is not there - {_LAYOUTS}"


def _nothing_found(files: ChannelFiles, problems: Problems) -> None:
    """Says what the channel holds instead of annotations."""
    texts = _json_files(files)
    if problems:
        return
    archives = [path for path in files if path.lower().endswith(_ARCHIVES)]
    if not len(files):
        problems.add("it is empty", _LAYOUTS)
    elif archives:
        advice = "unpack before the upload, SageMaker does not"
        problems.add("it holds archives", advice, ", ".join(archives[:3]))
    elif texts:
        problems.add("none of its JSON files is COCO instances", _LAYOUTS, ", ".join(texts[:3]))
    else:
        problems.add(f"it holds {len(files)} files but no annotations", _LAYOUTS, next(iter(files)))
