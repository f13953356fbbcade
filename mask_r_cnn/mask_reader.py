"""Masks of one value an instance to instances."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from categories import Categories
from channel_files import ChannelFiles
from instances import Instance, MaskFile, Picture
from mask_pairs import MaskPairs
from picture_check import measure
from pictures import PictureError, decode_labels
from problems import Problems

_MAX_INSTANCES = 10_000
Size = tuple[int, int]


class MaskReader:
    """Turns one pair of folders into pictures with instances."""

    def __init__(
        self, pairs: MaskPairs, files: ChannelFiles, problems: Problems, notes: Counter[str]
    ) -> None:
        self.pairs = pairs
        self._folder = files.folder
        self._problems = problems
        self._notes = notes

    def classes(self) -> list[tuple[str, int]]:
        """Lists the one class of all masks, with the category id that it would like."""
        return [(self.pairs.class_name, 1)]

    def pictures(self, categories: Categories, sharded: bool) -> Iterator[Picture]:
        """Yields the pictures that have a mask, by path, with instances; notes what is wrong."""
        label = categories.labels().get(self.pairs.class_name)
        if label is None:
            self._problems.add(
                "classes that the training channel does not have",
                "use the class names of training",
                self.pairs.class_name,
            )
            return
        self._note_singles(sharded)
        pictures, masks = self.pairs.pictures, self.pairs.masks
        shared = sorted(pictures.keys() & masks.keys(), key=pictures.__getitem__)
        sizes = measure(self._folder, [pictures[key] for key in shared], self._problems)
        shared = [key for key in shared if pictures[key] in sizes]
        jobs = [(masks[key], sizes[pictures[key]]) for key in shared]
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            results = pool.map(lambda job: _read(self._folder / job[0], job[1], label), jobs)
            for key, result in zip(shared, results, strict=True):
                if isinstance(result, PictureError):
                    named = f"{masks[key]} {result}"
                    self._problems.add("masks that cannot be used", "replace them", named)
                else:
                    width, height = sizes[pictures[key]]
                    yield Picture(0, self._folder / pictures[key], width, height, result)

    def _note_singles(self, sharded: bool) -> None:
        """Notes what has no counterpart: a mistake, but on a shard, where another host has it."""
        pictures, masks = self.pairs.pictures, self.pairs.masks
        alone = sorted(pictures.keys() - masks.keys())
        astray = sorted(masks.keys() - pictures.keys())
        if sharded:
            self._notes["pictures and masks whose other half is elsewhere"] += len(alone + astray)
            return
        for key in alone:
            self._problems.add(
                f"pictures without a mask in {self.pairs.name}",
                "add one (all 0 when there is nothing to see)",
                pictures[key],
            )
        for key in astray:
            self._problems.add("masks without a picture", "add it or remove the mask", masks[key])


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


def _read(path: Path, size: Size, label: int) -> tuple[Instance, ...] | PictureError:
    """Reads the instances of one mask, which must have its picture's size (width, height)."""
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
