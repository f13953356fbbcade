"""A channel as a data set: formats found by content, everything wrong with it told at once."""

from __future__ import annotations

import gc
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from categories import Categories
from channel_files import ChannelFiles
from coco import CocoReader
from coco_file import CocoFile, read_coco
from dataset import Dataset
from errors import DataError
from instances import Picture
from mask_pairs import find_mask_pairs
from mask_reader import MaskReader
from packing import PackedPictures, Packer, merged
from problems import Problems

_LAYOUTS = (
    "give it a COCO instances JSON and its pictures, or folders PNGImages/ and PedMasks/, "
    "or images/ and masks/"
)
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")


def load_channel(
    folder: Path,
    *,
    sharded: bool = False,
    categories: tuple[Sequence[str], Sequence[int]] | None = None,
    annotations: Path | None = None,
) -> Dataset:
    """Reads a channel's pictures and annotations; one DataError tells all that is wrong.

    Sharded: the channel holds a part of the pictures, so the missing ones are counted only, and
    it may be empty. Categories: those of the training channel, for a channel that must share them.
    Annotations: a second channel with COCO files for the pictures of this one.
    """
    problems, notes = Problems(folder.name), Counter[str]()
    for place in (folder, annotations or folder):
        if not place.is_dir():
            raise DataError(_missing(place))
    with _no_collector():
        files = ChannelFiles(folder)
        sources = _coco_files(files, problems)
        if annotations is not None:
            sources += _coco_files(ChannelFiles(annotations), problems)
        coco = [CocoReader(source, files, problems, notes) for source in sources]
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


def _coco_files(files: ChannelFiles, problems: Problems) -> list[CocoFile]:
    found = [read_coco(files.folder, name, problems) for name in _json_files(files)]
    return [source for source in found if source is not None]


def _json_files(files: ChannelFiles) -> list[str]:
    return [path for path in files.shallow() if path.lower().endswith(".json")]


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
