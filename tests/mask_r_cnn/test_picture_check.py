"""Pictures are measured, and those cut short are found, without decoding the whole ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from picture_check import checked_size, measure
from pictures import PictureError, read_picture
from problems import Problems
from tests.mask_r_cnn.samples import write_picture


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "gif"])
def test_whole_and_cut_pictures(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(path)
    assert checked_size(path) == (300, 200)
    data = path.read_bytes()
    for length in (len(data) // 2, len(data) - 60):
        path.write_bytes(data[:length])
        with pytest.raises(PictureError, match="broken"):
            checked_size(path)


def test_a_jpeg_with_a_tail_is_whole(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "phone.jpg")
    path.write_bytes(path.read_bytes() + b"a film behind the picture" * 100)
    assert checked_size(path) == (64, 48)


def test_a_header_longer_than_the_first_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.jpg"
    Image.new("RGB", (20, 10)).save(path, icc_profile=os.urandom(200_000))
    assert checked_size(path) == (20, 10)


def test_broken_pictures_are_noted_and_the_others_measured(tmp_path: Path) -> None:
    for number in range(8):
        write_picture(tmp_path / f"{number}.png", width=10 + number)
    for number in range(1, 6):
        (tmp_path / f"{number}.png").write_bytes(b"")
    problems = Problems("training")
    sizes = measure(tmp_path, [f"{number}.png" for number in range(8)], problems)
    assert sizes == {"0.png": (10, 48), "6.png": (16, 48), "7.png": (17, 48)}
    assert problems.sentence() == (
        "channel training: pictures that cannot be used: 1.png is empty, 2.png is empty, "
        "3.png is empty and 2 more - replace them"
    )


def test_a_picture_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "folder.jpg"
    path.mkdir()
    problems = Problems("training")
    assert measure(tmp_path, ["folder.jpg"], problems) == {}
    assert "folder.jpg cannot be read (Is a directory)" in problems.sentence()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_is_not_decoded_to_see_that_it_is_whole(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "scan.tiff"
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(path, compression=compression)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff" * 400
    path.write_bytes(bytes(data))
    with pytest.raises(PictureError, match="broken"):
        read_picture(path)
    assert checked_size(path) == (300, 200)
