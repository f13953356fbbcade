"""Pictures of every kind become RGB pixels, or one sentence; nothing else comes out."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pictures import PictureError, decode_labels, decode_picture, read_picture, upright_size

CORNER = (255, 0, 0)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def red_corner(width: int = 40, height: int = 24) -> Image.Image:
    """White, with a red upper left quarter."""
    image = Image.new("RGB", (width, height), "white")
    image.paste(CORNER, (0, 0, width // 2, height // 2))
    return image


def refused(data: bytes, **options: Any) -> PictureError:
    with pytest.raises(PictureError) as caught:
        decode_picture(data, **options)
    return caught.value


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_every_format(kind: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 100, "subsampling": 0},
    }
    pixels = decode_picture(encoded(red_corner(), kind, **options.get(kind, {})))
    assert pixels.shape == (24, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - np.array(red_corner())).max() <= 6


@pytest.mark.parametrize(
    ("least", "shape"),
    [((51, 70), (100, 150)), ((50, 75), (50, 75)), ((13, 13), (25, 38)), ((400, 9), (100, 150))],
)
@pytest.mark.parametrize("turn", [1, 6])
def test_a_jpeg_comes_smaller_where_that_is_enough(
    least: tuple[int, int], shape: tuple[int, int], turn: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    picture = red_corner(150, 100) if turn == 1 else red_corner(100, 150)
    data = encoded(picture, "JPEG", exif=exif, quality=95)
    pixels = decode_picture(data, at_least=least)
    assert pixels.shape[:2] == shape
    whole = decode_picture(data)
    assert np.abs(pixels[5, ::5].astype(int) - _shrunk(whole, shape)[5, ::5]).max() < 40
    assert decode_picture(encoded(picture), at_least=least).shape == (*picture.size[::-1], 3)


def _shrunk(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    small = Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.BOX)
    return np.array(small).astype(int)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_honoured(turn: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(red_corner(), kind, exif=exif)
    pixels = decode_picture(data)
    tall = turn >= 5
    assert pixels.shape == ((40, 24, 3) if tall else (24, 40, 3))
    assert upright_size(io.BytesIO(data)) == ((24, 40) if tall else (40, 24))
    red = (pixels[..., 0] > 200) & (pixels[..., 1] < 60)
    height, width = red.shape
    top, left = turn in (1, 2, 5, 6), turn in (1, 4, 5, 8)
    assert red[height // 4 if top else -height // 4, width // 4 if left else -width // 4]
    assert red.mean() == pytest.approx(0.25, abs=0.02)


def test_broken_exif_does_not_matter() -> None:
    data = encoded(red_corner(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode_picture(data).shape == (24, 40, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_shows_the_same_grey(mode: str) -> None:
    if mode == "F":
        data = encoded(Image.fromarray(np.full((8, 8), 100 / 255, np.float32)), "TIFF")
    elif mode.startswith("I"):
        data = encoded(Image.fromarray(np.full((8, 8), 100 * 257, np.uint16)), "PNG")
    elif mode == "1":
        data = encoded(Image.new("1", (8, 8), 1))
    else:
        colours: dict[str, Any] = {"palette": Image.Palette.ADAPTIVE} if mode == "P" else {}
        image = Image.new("RGB", (8, 8), (100, 100, 100)).convert(mode, **colours)
        data = encoded(image, "TIFF" if mode == "CMYK" else "PNG")
    wanted = 255 if mode == "1" else 100
    pixels = decode_picture(data)
    assert pixels.shape == (8, 8, 3)
    assert np.abs(pixels.astype(int) - wanted).max() <= 1


def test_sixteen_bits_keep_their_range() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256)
    for kind in ("PNG", "TIFF"):
        grey = decode_picture(encoded(Image.fromarray(ramp), kind))[0, :, 0]
        assert (grey == np.arange(256)).all(), kind


def test_big_endian_sixteen_bit_tiff() -> None:
    image = Image.frombytes("I;16B", (2, 1), struct.pack(">2H", 0, 65535))
    assert decode_picture(encoded(image, "TIFF"))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("values", "greys"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 128.0, 255.0], [0, 128, 255]),
        ([-5.0, 0.0, 5.0], [0, 128, 255]),
        ([0.0, 65535.0, float("nan")], [0, 255, 0]),
        ([float("nan")] * 3, [0, 0, 0]),
        ([0.0, float("inf"), 1.0], [0, 255, 255]),
    ],
)
def test_numbers_of_32_bits_are_scaled(values: list[float], greys: list[int]) -> None:
    data = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    assert decode_picture(data)[0, :, 0].tolist() == greys


def test_what_is_transparent_is_white() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    assert decode_picture(encoded(image)).tolist() == [[[255, 255, 255], [10, 20, 30]]]


def test_a_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([5, 5, 5, 200, 100, 50])
    image.putpixel((1, 0), 1)
    data = encoded(image, transparency=0)
    assert decode_picture(data).tolist() == [[[255, 255, 255], [200, 100, 50]]]
    data = encoded(image, transparency=b"\x00\xff")
    assert decode_picture(data).tolist() == [[[255, 255, 255], [200, 100, 50]]]


def test_a_transparent_grey() -> None:
    image = Image.new("L", (2, 1), 7)
    image.putpixel((1, 0), 90)
    assert decode_picture(encoded(image, transparency=7))[0, :, 0].tolist() == [255, 90]


def test_cmyk_jpeg_is_not_inverted() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = decode_picture(data)[8, 8]
    assert red > 240
    assert max(green, blue) < 15


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert decode_picture(data)[4, 4].tolist() == pytest.approx([255, 0, 0], abs=4), kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_cut_short_is_broken(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    assert refused(data[: len(data) // 2]).code == "broken"


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", "empty", "is empty"),
        (b"hello", "unsupported", "is not a JPEG, PNG, WebP, BMP, TIFF or GIF picture"),
        (b"\xff\xd8\xff", "broken", "is broken: its header cannot be read"),
        (b"\x89PNG\r\n\x1a\n", "broken", "is broken"),
        (b"%PDF-1.4", "unsupported", "is not a JPEG"),
    ],
)
def test_what_is_no_picture(data: bytes, code: str, message: str) -> None:
    error = refused(data)
    assert error.code == code
    assert str(error).startswith(message)


def test_formats_that_nobody_asked_for_are_not_tried() -> None:
    for kind in ("PPM", "ICO", "TGA", "EPS", "PCX"):
        assert refused(encoded(red_corner(), kind)).code == "unsupported", kind


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one compressed megabyte of zeros."""
    pieces = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(2**20))),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in pieces
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("size", [(20_000, 20_000), (65_500, 65_500), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_not_decoded(size: tuple[int, int]) -> None:
    assert refused(png_of(*size)).code == "too_large"


def test_the_size_of_a_bomb_is_told() -> None:
    message = "has 20000 x 20000 pixels, more than the 178,956,970 allowed"
    assert str(refused(png_of(20_000, 20_000))) == message


def test_the_limit_is_not_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode_picture(encoded(red_corner())).shape == (24, 40, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_the_limit_is_the_callers() -> None:
    data = encoded(red_corner())
    assert refused(data, max_pixels=40 * 24 - 1).code == "too_large"
    assert decode_picture(data, max_pixels=40 * 24).shape == (24, 40, 3)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"")
    with pytest.raises(PictureError, match=r"/broken.jpg is empty - replace it$"):
        read_picture(tmp_path / "broken.jpg")
    with pytest.raises(PictureError, match=r"/gone.jpg cannot be read: No such file"):
        read_picture(tmp_path / "gone.jpg")


def test_the_error_survives_another_process() -> None:
    error = pickle.loads(pickle.dumps(PictureError("is empty", "empty")))  # noqa: S301
    assert (str(error), error.code) == ("is empty", "empty")


SEEDS = [
    encoded(red_corner(), "JPEG"),
    encoded(red_corner(), "JPEG", progressive=True),
    encoded(red_corner()),
    encoded(red_corner().convert("P"), transparency=0),
    encoded(red_corner(), "WEBP"),
    encoded(red_corner(), "BMP"),
    encoded(red_corner(), "TIFF"),
    encoded(red_corner(), "TIFF", compression="tiff_lzw"),
    encoded(red_corner(), "TIFF", compression="jpeg"),
    encoded(red_corner(), "GIF"),
    encoded(Image.fromarray(np.arange(960, dtype=np.uint16).reshape(24, 40))),
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_pictures_decode_or_are_refused(seed: bytes, data: st.DataObject) -> None:
    body = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(body)))
    for piece in (bytes(body), bytes(body[:cut])):
        for decode in (decode_picture, decode_labels):
            try:
                pixels = decode(piece, 1_000_000)
            except PictureError as error:
                assert error.code in ("empty", "broken", "too_large", "unsupported")
                assert "\n" not in str(error)
                continue
            assert 0 < pixels.size <= 3_000_000


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(data)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_labels_are_raw_values(kind: type) -> None:
    scale = 257 if kind is np.uint16 else 1
    values = np.array([[0, 1, 2], [3, 200, 255]]).astype(kind) * kind(scale)
    assert (decode_labels(encoded(Image.fromarray(values))) == values).all()


def test_labels_of_a_palette_are_its_indices() -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8)).convert("P")
    image.putpalette([9, 9, 9] * 4)
    assert decode_labels(encoded(image)).tolist() == [[0, 1], [2, 3]]


def test_labels_saved_as_grey_rgb_are_taken() -> None:
    image = Image.fromarray(np.array([[0, 7]], np.uint8)).convert("RGB")
    assert decode_labels(encoded(image)).tolist() == [[0, 7]]


def test_labels_in_colour_are_refused() -> None:
    with pytest.raises(PictureError, match="is in colour: a mask holds one number a pixel"):
        decode_labels(encoded(red_corner()))


def test_labels_that_are_fractions_are_refused() -> None:
    data = encoded(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF")
    with pytest.raises(PictureError, match="values of an odd kind"):
        decode_labels(data)
