"""Files of a channel: what a name in an annotation file can mean, the one, none or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from channel_files import ChannelFiles


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
