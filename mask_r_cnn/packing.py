"""Pictures and their instances in a few flat arrays, for sets of a hundred thousand pictures.

As Python objects a COCO-sized set takes gigabytes, is slow to hand to another process, and is
copied page by page into every forked one. Here an instance is a row, and Picture and Instance
objects exist only while somebody looks at them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from instances import Instance, MaskFile, Picture, Polygons, Rle, Segmentation

Array = npt.NDArray[Any]
_HUNDREDTHS, _EXACT, _RLE, _MASK_FILE = range(4)


@dataclass(frozen=True)
class _Columns:
    """The arrays; row i of `start_*` says where the part of i begins in the next longer one."""

    sizes: Array  # [pictures, 2] width, height
    start_path: Array  # [pictures + 1] in paths
    paths: bytes
    start_instance: Array  # [pictures + 1]
    labels: Array
    boxes: Array  # [instances, 4]
    areas: Array
    crowds: Array
    kinds: Array
    start_data: Array  # [instances + 1] in data
    data: bytes


class PackedPictures(Sequence[Picture]):
    """A sequence of pictures that are unpacked when asked for; select gives a part of it."""

    def __init__(self, columns: _Columns, order: Array) -> None:
        self._columns = columns
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> PackedPictures: ...
    def __getitem__(self, index: int | slice) -> Picture | PackedPictures:
        if isinstance(index, slice):
            return PackedPictures(self._columns, self._order[index])
        return self._picture(int(self._order[index]))

    def __iter__(self) -> Iterator[Picture]:
        return (self._picture(int(row)) for row in self._order)

    def select(self, indices: Sequence[int] | Array) -> PackedPictures:
        """Gives the pictures at the indices; the arrays are shared, not copied."""
        return PackedPictures(self._columns, self._order[np.asarray(indices, np.int64)])

    @property
    def sizes(self) -> Array:
        """Width and height of each picture, [pictures, 2], without unpacking any."""
        return np.asarray(self._columns.sizes[self._order])

    def label_counts(self, classes: int) -> tuple[Array, int, int]:
        """Counts instances by label (from 1), then crowds, then pictures with no instance."""
        columns = self._columns
        starts, ends = columns.start_instance[self._order], columns.start_instance[self._order + 1]
        lengths = ends - starts
        rows = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        crowds = columns.crowds[rows]
        labels = columns.labels[rows][~crowds]
        counts = np.bincount(labels, minlength=classes + 1)[1:]
        return counts, int(crowds.sum()), int((lengths == 0).sum())

    def _picture(self, row: int) -> Picture:
        columns = self._columns
        first, after = columns.start_instance[row : row + 2]
        name = columns.paths[columns.start_path[row] : columns.start_path[row + 1]]
        return Picture(
            image_id=row + 1,
            path=Path(name.decode("utf-8", "surrogateescape")),
            width=int(columns.sizes[row, 0]),
            height=int(columns.sizes[row, 1]),
            instances=tuple(self._instance(number) for number in range(first, after)),
        )

    def _instance(self, row: int) -> Instance:
        columns = self._columns
        data = columns.data[columns.start_data[row] : columns.start_data[row + 1]]
        x0, y0, x1, y1 = columns.boxes[row].tolist()
        return Instance(
            label=int(columns.labels[row]),
            box=(x0, y0, x1, y1),
            segmentation=_unpacked(int(columns.kinds[row]), data),
            area=float(columns.areas[row]),
            crowd=bool(columns.crowds[row]),
        )


class Packer:
    """Takes pictures one by one and packs them."""

    def __init__(self) -> None:
        self._sizes, self._labels, self._kinds = array("i"), array("i"), bytearray()
        self._boxes, self._areas, self._crowds = array("d"), array("d"), bytearray()
        self._paths, self._data = bytearray(), bytearray()
        self._start_path, self._start_instance = array("q", [0]), array("q", [0])
        self._start_data = array("q", [0])

    def add(self, picture: Picture) -> None:
        """Packs one picture behind the others; its image_id becomes its number in the set."""
        self._sizes.extend((picture.width, picture.height))
        self._paths += str(picture.path).encode("utf-8", "surrogateescape")
        self._start_path.append(len(self._paths))
        for instance in picture.instances:
            kind, data = _packed(instance.segmentation)
            self._labels.append(instance.label)
            self._boxes.extend(instance.box)
            self._areas.append(instance.area)
            self._crowds.append(instance.crowd)
            self._kinds.append(kind)
            self._data += data
            self._start_data.append(len(self._data))
        self._start_instance.append(len(self._labels))

    def pictures(self) -> PackedPictures:
        """Ends the packing."""
        columns = _Columns(
            sizes=np.array(self._sizes, np.int32).reshape(-1, 2),
            start_path=np.array(self._start_path),
            paths=bytes(self._paths),
            start_instance=np.array(self._start_instance),
            labels=np.array(self._labels, np.int32),
            boxes=np.array(self._boxes).reshape(-1, 4),
            areas=np.array(self._areas),
            crowds=np.array(self._crowds, np.bool_),
            kinds=np.array(self._kinds, np.uint8),
            start_data=np.array(self._start_data),
            data=bytes(self._data),
        )
        return PackedPictures(columns, np.arange(len(columns.sizes)))


def merged(first: Picture, second: Picture) -> Picture:
    """Joins what two sources say about one picture; what both say is kept once."""
    known = {(one.label, one.box, one.crowd) for one in first.instances}
    fresh = [one for one in second.instances if (one.label, one.box, one.crowd) not in known]
    return replace(first, instances=first.instances + tuple(fresh))


def _packed(segmentation: Segmentation) -> tuple[int, bytes]:
    if isinstance(segmentation, Rle):
        return _RLE, segmentation.counts
    if isinstance(segmentation, MaskFile):
        path = str(segmentation.path).encode("utf-8", "surrogateescape")
        return _MASK_FILE, struct.pack("<I", segmentation.value) + path
    lengths = [len(part) for part in segmentation.parts]
    head = struct.pack(f"<{len(lengths) + 1}I", len(lengths), *lengths)
    points = np.concatenate(segmentation.parts)
    # Nearly all tools write two decimals: half the memory, and exactly the same numbers again
    hundredths = np.rint(points * 100)
    if np.abs(hundredths).max() < 2**31 and np.array_equal(hundredths / 100, points):
        return _HUNDREDTHS, head + hundredths.astype("<i4").tobytes()
    return _EXACT, head + points.astype("<f8").tobytes()


def _unpacked(kind: int, data: bytes) -> Segmentation:
    if kind == _RLE:
        return Rle(data)
    if kind == _MASK_FILE:
        path = data[4:].decode("utf-8", "surrogateescape")
        return MaskFile(Path(path), *struct.unpack("<I", data[:4]))
    (number,) = struct.unpack_from("<I", data)
    lengths = struct.unpack_from(f"<{number}I", data, 4)
    offset = 4 * (number + 1)
    if kind == _HUNDREDTHS:
        points = np.frombuffer(data, "<i4", offset=offset) / 100
    else:
        points = np.frombuffer(data, "<f8", offset=offset)
    return Polygons(tuple(np.split(points, np.cumsum(lengths[:-1]))))
