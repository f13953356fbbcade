"""Files of a channel: what a name in an annotation file can mean, and which pictures are whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from channel_files import ChannelFiles, checked_size, measure
from pictures import PictureError
from problems import Problems
from tests.mask_r_cnn.samples import write_picture


def touch(folder: Path, *paths: str) -> ChannelFiles:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return ChannelFiles(folder)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("a.jpg", ["a.jpg"]),
        ("./a.jpg", ["a.jpg"]),
        ("/home/me/data/a.jpg", ["a.jpg"]),
        ("C:\\data\\a.jpg", ["a.jpg"]),
        ("../../../etc/passwd", []),
        ("/etc/passwd", []),
        ("b.jpg", ["x/b.jpg", "y/b.jpg"]),
        ("x/b.jpg", ["x/b.jpg"]),
        ("/old/y/b.jpg", ["y/b.jpg"]),
        ("z/b.jpg", ["x/b.jpg", "y/b.jpg"]),
        ("m.png", ["x/m.png"]),
        ("A.JPG", ["a.jpg"]),
        ("X/B.JPG", ["x/b.jpg"]),
        ("B\u00e4r.jpg", ["Ba\u0308r.jpg"]),  # an umlaut in one letter, and in two
        ("masks/m.png", ["x/masks/m.png"]),
        ("c.jpg", ["deep/down/here/c.jpg"]),
        ("", []),
        ("///", []),
        ("\0", []),
        (".hidden.jpg", []),
    ],
)
def test_what_a_name_means(tmp_path: Path, written: str, found: list[str]) -> None:
    files = touch(
        tmp_path,
        "Ba\u0308r.jpg",
        "x/m.png",
        "x/masks/m.png",
        "a.jpg",
        "x/b.jpg",
        "y/b.jpg",
        "deep/down/here/c.jpg",
        ".hidden.jpg",
        ".git/a.jpg",
    )
    assert files.find(written, "annotations/x.json") == found


def test_a_name_beside_the_file_that_names_it_comes_first(tmp_path: Path) -> None:
    files = touch(tmp_path, "one/a.jpg", "two/a.jpg")
    assert files.find("a.jpg", "two/x.json") == ["two/a.jpg"]


def test_shallow_files_are_those_one_folder_below_at_most(tmp_path: Path) -> None:
    files = touch(tmp_path, "a.json", "b/c.json", "b/d/e.json", "__MACOSX/._a.json", "b/._c.json")
    assert sorted(files.shallow()) == ["a.json", "b/c.json"]
    assert len(files) == 3


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert list(touch(tmp_path, "a/x.jpg")) == ["a/x.jpg"]


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
