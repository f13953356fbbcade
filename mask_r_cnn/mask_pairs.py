"""Pictures beside mask pictures of one value an instance: Penn-Fudan and its like."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from categories import Categories
from channel_files import ChannelFiles, measure
from instances import Instance, MaskFile, Picture
from pictures import SUFFIXES, PictureError, decode_labels
from problems import Problems

# Folder of the pictures, folder of the masks (any case), and what the masks show
_FOLDERS = (("pngimages", "pedmasks", "pedestrian"), ("images", "masks", "object"))
_MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")  # what keeps values exactly
_MAX_INSTANCES = 10_000


@dataclass(frozen=True)
class MaskPairs:
    """One pair of folders in a channel: paths of pictures and masks by what their names share."""

    name: str  # for messages: the folder of the masks
    class_name: str
    pictures: dict[str, str]
    masks: dict[str, str]


def find_mask_pairs(files: ChannelFiles, problems: Problems) -> list[MaskPairs]:
    """Finds pairs of folders in the channel or one folder below."""
    folders: dict[tuple[str, str], dict[str, list[str]]] = {}
    for path in files:
        parts = PurePosixPath(path).parts
        for depth in (0, 1):
            if len(parts) > depth + 1:
                place = ("/".join(parts[:depth]), parts[depth].lower())
                folders.setdefault(place, {}).setdefault(parts[depth], []).append(path)
    found = []
    for parent, folder in list(folders):
        for images, masks, class_name in _FOLDERS:
            if folder == masks and (parent, images) in folders:
                pictures = list(chain.from_iterable(folders[parent, images].values()))
                drawn = list(chain.from_iterable(folders[parent, masks].values()))
                found.append(_pair(parent, pictures, drawn, class_name, problems))
    return found


def read_mask_pairs(
    pairs: MaskPairs, files: ChannelFiles, categories: Categories, problems: Problems, sharded: bool
) -> Iterator[Picture]:
    """Yields the pictures of a pair of folders with their instances; notes what is wrong."""
    label = categories.labels().get(pairs.class_name)
    if label is None:
        problems.add(
            "classes that the training channel does not have",
            "use the class names of training",
            pairs.class_name,
        )
        return
    shared = sorted(pairs.pictures.keys() & pairs.masks.keys())
    if not sharded:
        _note_singles(pairs, problems)
    sizes = measure(files.folder, [pairs.pictures[key] for key in shared], problems)
    usable = [key for key in shared if pairs.pictures[key] in sizes]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        results = pool.map(
            lambda key: _instances(files, pairs.masks[key], sizes[pairs.pictures[key]], label),
            usable,
        )
        for key, result in zip(usable, results, strict=True):
            if isinstance(result, PictureError):
                problems.add(
                    "masks that cannot be used", "replace them", f"{pairs.masks[key]} {result}"
                )
                continue
            width, height = sizes[pairs.pictures[key]]
            yield Picture(0, files.folder / pairs.pictures[key], width, height, result)


def outlines(values: npt.NDArray[np.integer]) -> list[tuple[int, tuple[int, int, int, int], int]]:
    """Lists each value but 0 with its box x0, y0, x1, y1 and its number of pixels, in one pass."""
    rows, columns = np.nonzero(values)
    found = values[rows, columns]
    order = np.argsort(found, kind="stable")
    found, rows, columns = found[order], rows[order], columns[order]
    if len(found) == 0:
        return []
    starts = np.concatenate([[0], np.flatnonzero(found[1:] != found[:-1]) + 1])
    boxes = np.stack(
        [
            np.minimum.reduceat(columns, starts),
            np.minimum.reduceat(rows, starts),
            np.maximum.reduceat(columns, starts) + 1,
            np.maximum.reduceat(rows, starts) + 1,
        ],
        axis=1,
    )
    areas = np.diff(np.append(starts, len(found)))
    return [
        (int(value), (int(box[0]), int(box[1]), int(box[2]), int(box[3])), int(area))
        for value, box, area in zip(found[starts], boxes, areas, strict=True)
    ]


def _instances(
    files: ChannelFiles, mask: str, size: tuple[int, int], label: int
) -> tuple[Instance, ...] | PictureError:
    path = files.folder / mask
    try:
        values = decode_labels(path.read_bytes())
    except PictureError as error:
        return error
    except OSError as error:
        return PictureError(f"cannot be read ({error.strerror})")
    height, width = values.shape
    if (width, height) != size:
        return PictureError(
            f"has {width} x {height} pixels, its picture (upright) {size[0]} x {size[1]}"
        )
    found = outlines(values)
    if len(found) > _MAX_INSTANCES:
        return PictureError(f"has {len(found)} values: one value an instance is meant")
    return tuple(
        Instance(label, (float(x0), float(y0), float(x1), float(y1)), MaskFile(path, value), area)
        for value, (x0, y0, x1, y1), area in found
    )


def _pair(
    parent: str, pictures: list[str], masks: list[str], class_name: str, problems: Problems
) -> MaskPairs:
    by_name: dict[str, str] = {}
    for path in pictures:
        if path.lower().endswith(SUFFIXES):
            key = _key(path, parent)
            if by_name.setdefault(key, path) != path:
                problems.add("pictures that share a mask", "rename one", f"{by_name[key]}, {path}")
    drawn: dict[str, str] = {}
    for path in masks:
        if not path.lower().endswith(SUFFIXES):
            continue
        if not path.lower().endswith(_MASK_SUFFIXES):
            problems.add("masks in a format that changes values", "save them as PNG", path)
        key = _key(path, parent)
        for ending in ("_mask", "-mask", ".mask"):
            if key not in by_name and key.endswith(ending):
                key = key.removesuffix(ending)
        if drawn.setdefault(key, path) != path:
            problems.add("masks of the same picture", "remove one", f"{drawn[key]}, {path}")
    folder = "/".join(PurePosixPath(masks[0]).parts[: (2 if parent else 1)])
    return MaskPairs(folder, class_name, by_name, drawn)


def _key(path: str, parent: str) -> str:
    """Gives what a picture and its mask share: the path below their folders, less its ending."""
    parts = PurePosixPath(path).with_suffix("").parts
    return "/".join(parts[2 if parent else 1 :])


def _note_singles(pairs: MaskPairs, problems: Problems) -> None:
    for key in sorted(pairs.pictures.keys() - pairs.masks.keys()):
        problems.add(
            f"pictures without a mask in {pairs.name}",
            "add one (all 0 when there is nothing to see)",
            pairs.pictures[key],
        )
    for key in sorted(pairs.masks.keys() - pairs.pictures.keys()):
        problems.add("masks without a picture", "add it or remove the mask", pairs.masks[key])
