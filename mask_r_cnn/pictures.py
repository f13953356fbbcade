"""Picture files of any kind to RGB pixels, or one sentence why not.

Everything here may be fed by strangers: sizes are checked before a pixel is decoded, only the
listed formats are tried, and whatever goes wrong inside Pillow becomes a PictureError.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from errors import InputError

Pixels = npt.NDArray[np.uint8]
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
MAX_PIXELS = 178_956_970  # half a gigabyte of RGB
_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 0x0100, 0x0101  # EXIF and TIFF tags
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow warns about odd metadata; catch_warnings is not safe with threads, so one at a time
_alone = threading.Lock()


class PictureError(InputError):
    """A picture cannot be used; code is empty, broken, too_large or unsupported."""

    def __init__(self, message: str, code: str = "broken") -> None:
        super().__init__(message, code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


def read_picture(
    path: Path, max_pixels: int = MAX_PIXELS, at_least: tuple[int, int] | None = None
) -> Pixels:
    """Reads a file as RGB pixels [height, width, 3], upright; PictureError names the file."""
    try:
        return decode_picture(path.read_bytes(), max_pixels, at_least)
    except PictureError as error:
        raise PictureError(f"{path} {error.message} - replace it", error.code) from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror}", "broken") from None


def decode_picture(
    data: bytes, max_pixels: int = MAX_PIXELS, at_least: tuple[int, int] | None = None
) -> Pixels:
    """Decodes a file's bytes to RGB pixels [height, width, 3], upright.

    With `at_least`, a (height, width), a JPEG may come at a half, a quarter or an eighth of its
    size, but no smaller than that: its blocks are summed before they are pixels, which is faster.
    """
    image = open_picture(io.BytesIO(data), max_pixels)
    try:
        turn = orientation(image)
        if at_least is not None:
            image.draft(None, at_least if turn >= 5 else at_least[::-1])
        image.load()
        if image.format == "TIFF":  # Pillow turns these itself while it loads them
            turn = orientation(image)
        return np.array(_upright(_rgb(image), turn))
    except MemoryError:
        raise PictureError("is too large for the memory", "too_large") from None
    except Exception as error:  # Pillow raises anything at all on broken files
        raise PictureError(f"is broken or cut short ({_reason(error)})") from None


def decode_labels(data: bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[Any]:
    """Decodes a mask file to its raw values [height, width]: palette indices are not colours."""
    image = open_picture(io.BytesIO(data), max_pixels)
    try:
        values = np.array(image)
    except Exception as error:
        raise PictureError(f"is broken or cut short ({_reason(error)})") from None
    if values.ndim == 3:
        if np.ptp(values[..., :3], axis=2).any():
            raise PictureError(
                "is in colour: a mask holds one number a pixel (8 or 16 bit grey, or palette)",
                "unsupported",
            )
        values = values[..., 0]
    if values.dtype.kind not in "bui" or values.ndim != 2:
        raise PictureError(f"has values of an odd kind ({image.mode})", "unsupported")
    return values


def upright_size(file: io.BufferedIOBase, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Returns (width, height) as decode_picture will give them, reading the header only."""
    image = open_picture(file, max_pixels)
    width, height = image.size
    if isinstance(image, TiffImageFile):  # newer Pillows turn its size already
        width, height = image.tag_v2.get(_WIDTH, width), image.tag_v2.get(_HEIGHT, height)
    return (height, width) if orientation(image) >= 5 else (width, height)


def open_picture(file: io.BufferedIOBase, max_pixels: int) -> Image.Image:
    """Opens a picture without decoding it, and refuses what is not one or is too large."""
    with _undisturbed():
        try:
            image = Image.open(cast(IO[bytes], file), formats=FORMATS)
        except UnidentifiedImageError:
            raise _not_a_picture(file) from None
        except Exception as error:
            raise PictureError(f"is broken ({_reason(error)})") from None
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError(
            f"has {width} x {height} pixels, more than the {max_pixels:,} allowed", "too_large"
        )
    if width < 1 or height < 1:
        raise PictureError("has no pixels", "empty")
    return image


def orientation(image: Image.Image) -> int:
    """Reads the EXIF orientation, 1 to 8; 1 when there is none that makes sense."""
    with _undisturbed():
        try:
            # A PNG's EXIF behind its pixels is left alone: to look for it means to decode them
            raw = image.info.get("exif", b"") if image.format == "PNG" else None
            value = (image.getexif() if raw is None else _exif(raw)).get(_ORIENTATION, 1)
        except Exception:  # broken EXIF does not make the picture unusable
            return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keeps Pillow quiet, and the limit of pixels ours: its own is one for the whole process."""
    with _alone, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _exif(raw: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(raw)
    return exif


def _not_a_picture(file: io.BufferedIOBase) -> PictureError:
    file.seek(0)
    start = file.read(16)
    if not start:
        return PictureError("is empty", "empty")
    known = start.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8"))
    if known:
        return PictureError("is broken: its header cannot be read", "broken")
    return PictureError("is not a JPEG, PNG, WebP, BMP, TIFF or GIF picture", "unsupported")


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _rgb(image: Image.Image) -> Image.Image:
    """Converts any mode to RGB: 16 bit is scaled, what is transparent becomes white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return _scaled(np.array(image), 65535.0)
    if image.mode in ("I", "F"):
        return _wide(np.array(image))
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return image.convert("RGB")


def _wide(values: npt.NDArray[Any]) -> Image.Image:
    """Scales 32-bit numbers: from 0 to 1 or to 16 bits where they fit, else to their own range."""
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    numbers = np.nan_to_num(numbers, nan=low, posinf=high, neginf=low)
    if low >= 0 and high <= 1 and values.dtype.kind == "f":
        return _scaled(numbers, 1.0)
    if low >= 0 and high <= 65535:
        return _scaled(numbers, 255.0 if high <= 255 else 65535.0)
    return _scaled(numbers - low, high - low)


def _scaled(values: npt.NDArray[Any], top: float) -> Image.Image:
    grey = values.astype(np.float32) * (255.0 / top) + 0.5
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
