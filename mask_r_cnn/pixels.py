"""Pixels that come as numbers: an .npy array, or the nested list of the AWS sample's client."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from response import RequestError

Pixels = NDArray[np.uint8]

_DIGITS = b"0123456789"
_SPACE = b" \t\r\n"


def npy_pixels(body: bytes, most: int) -> Pixels:
    """The picture in an .npy file; its header is believed only as far as the bytes go."""
    file = io.BytesIO(body)
    shape, fortran, dtype = _npy_header(file)
    if dtype != np.uint8 or not _is_picture(shape):
        raise _bad_array(f"the array is {dtype.name} of shape {_shown(shape)}")
    _check_size(shape[0] * shape[1], most)
    count = int(np.prod(shape))
    have = len(body) - file.tell()
    if have != count:
        raise _bad_array(f"the array's header promises {count} bytes and {have} came")
    flat = np.frombuffer(body, np.uint8, offset=file.tell())
    return _rgb(flat.reshape(shape, order="F" if fortran else "C"))


def pixels_of_list(value: list[Any], most: int) -> Pixels:
    """The picture in a nested list of numbers."""
    try:
        # As floats, so that a list of long strings cannot become a table of them.
        array = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError, MemoryError):
        raise _bad_list("the list is not the same length everywhere, or holds no numbers") from None
    if not _is_picture(array.shape):
        raise _bad_list(f"the list has the shape {_shown(array.shape)}")
    _check_size(array.shape[0] * array.shape[1], most)
    if not ((array >= 0) & (array <= 255) & (array == np.floor(array))).all():
        raise _bad_list("the list holds values that are no whole numbers from 0 to 255")
    return _rgb(array.astype(np.uint8))


def pixels_of_text(body: bytes, most: int) -> Pixels | None:
    """The picture in the JSON text [[[r,g,b],…],…], or None when the text is anything else.

    Python's lists would take a hundred bytes a pixel: the brackets are compared with those of a
    picture of that shape, and the numbers are read by numpy.
    """
    if body.translate(None, _DIGITS + _SPACE + b"[],") or re.search(rb"[0-9][ \t\r\n]+[0-9]", body):
        return None
    compact = body.translate(None, _SPACE)
    brackets = compact.translate(None, _DIGITS)
    width = max(brackets.find(b"]]"), 0) // 5
    row = b"[" + b",".join([b"[,,]"] * width) + b"]"
    height = (len(brackets) - 1) // (len(row) + 1)
    if len(brackets) != height * (len(row) + 1) + 1 or not height or not width:
        return None
    if brackets != b"[" + b",".join([row] * height) + b"]":
        return None
    _check_size(height * width, most)
    numbers = compact.translate(None, b"[]")
    if b",," in numbers or numbers[:1] == b"," or numbers[-1:] == b",":
        return None
    values = np.fromstring(numbers.decode("ascii"), np.int64, sep=",")
    if values.size != height * width * 3:
        return None
    if values.max() > 255:
        raise _bad_list("the list holds values that are no whole numbers from 0 to 255")
    return values.astype(np.uint8).reshape(height, width, 3)


def _npy_header(file: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran, dtype = readers[npy.read_magic(file)](file)
        return tuple(int(side) for side in shape), bool(fortran), dtype
    except Exception:  # the header is parsed as Python: anything can come out of it
        raise _bad_array("the body is no .npy file") from None


def _is_picture(shape: tuple[int, ...]) -> bool:
    return (
        len(shape) in (2, 3) and all(side > 0 for side in shape) and shape[2:] in ((), (1,), (3,))
    )


def _rgb(array: Pixels) -> Pixels:
    """A copy with three channels: torch wants memory that may be written to."""
    if array.ndim == 2:
        array = array[..., None]
    shape = (*array.shape[:2], 3)
    return np.array(np.broadcast_to(array, shape), np.uint8, order="C")


def _shown(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(str(side) for side in shape[:8]) + ("…" if len(shape) > 8 else "") + ")"


def _check_size(pixels: int, most: int) -> None:
    if pixels > most:
        raise RequestError(
            413, "too_large", f"{pixels} pixels are more than the {most} allowed - send it smaller"
        )


def _bad_array(what: str) -> RequestError:
    return RequestError(
        400,
        "bad_array",
        f"{what} - send one picture as numpy.save writes it: uint8, (height, width, 3)",
    )


def _bad_list(what: str) -> RequestError:
    return RequestError(
        400,
        "bad_list",
        f"{what} - send one picture as [height][width][3] of whole numbers from 0 to 255",
    )
