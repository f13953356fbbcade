"""Sizes of pictures from their headers, and whether the files are whole, without decoding them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from PIL.TiffImagePlugin import TiffImageFile

from pictures import MAX_PIXELS, PictureError, decode_picture, open_picture, upright_size
from problems import Problems

_HEAD, _TAIL = 65_536, 1024
_THREADS = 16  # most of the time is spent waiting for the disk, or for S3 in FastFile mode
_TIFF_PARTS = ((273, 279), (324, 325))  # tags: offsets and lengths of strips, of tiles


def measure(folder: Path, paths: Iterable[str], problems: Problems) -> dict[str, tuple[int, int]]:
    """Reads width and height, upright, of each picture; notes those that cannot be used."""
    names = list(paths)
    # Some at a time, as a task costs half as much as a picture
    step = min(64, len(names) // (4 * _THREADS) + 1)
    parts = [names[start : start + step] for start in range(0, len(names), step)]
    sizes = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        results = pool.map(lambda part: [_checked_size(folder / name) for name in part], parts)
        for name, result in zip(names, chain.from_iterable(results), strict=True):
            if isinstance(result, PictureError):
                problems.add("pictures that cannot be used", "replace them", f"{name} {result}")
            else:
                sizes[name] = result
    return sizes


def _checked_size(path: Path) -> tuple[int, int] | PictureError:
    try:
        return checked_size(path)
    except PictureError as error:
        return error
    except OSError as error:
        return PictureError(f"cannot be read ({error.strerror})")


def checked_size(path: Path) -> tuple[int, int]:
    """Reads a picture's size from its header and makes sure that its end is there.

    Decoding every picture of a large set would take hours; nearly every broken picture is one
    whose upload was cut short, and that shows at its end. Only a picture whose end looks odd is
    decoded whole, to be sure.
    """
    with path.open("rb") as file:
        start = file.read(_HEAD)
        total = file.seek(0, os.SEEK_END)
        file.seek(max(0, total - _TAIL))
        end = file.read(_TAIL)
        if total > _HEAD:
            try:
                size = upright_size(io.BytesIO(start))
            except PictureError:  # long metadata, or a TIFF whose directory is at its end
                file.seek(0)
                size = upright_size(file)
        else:
            size = upright_size(io.BytesIO(start))
    if not _complete(start, end, total) and not _holds_its_parts(path, total):
        decode_picture(path.read_bytes())
    return size


def _complete(start: bytes, end: bytes, total: int) -> bool:
    """Tells whether a file surely ends where it should."""
    if start.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in end[-2:]
    if start.startswith(b"\x89PNG"):
        return b"IEND" in end[-12:]
    if start.startswith(b"RIFF"):
        return total >= int.from_bytes(start[4:8], "little") + 8
    if start.startswith(b"BM"):
        return total >= int.from_bytes(start[2:6], "little") > 0
    if start.startswith(b"GIF8"):
        return end.endswith(b";")
    return False


def _holds_its_parts(path: Path, total: int) -> bool:
    """Tells whether all strips or tiles of a TIFF lie inside the file."""
    with path.open("rb") as file:
        image = open_picture(file, MAX_PIXELS)
        if not isinstance(image, TiffImageFile):
            return False
        for offsets, lengths in _TIFF_PARTS:
            starts, sizes = image.tag_v2.get(offsets, ()), image.tag_v2.get(lengths, ())
            if starts and len(starts) == len(sizes):
                return all(start + size <= total for start, size in zip(starts, sizes))
    return False
