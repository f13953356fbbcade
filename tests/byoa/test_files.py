"""The cache of hashes: fast where nothing changed, and never a reason to miss a change."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from byoa import files
from byoa.plan.errors import ByoaError
from tests.byoa.s3_server import write_files


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def etags(folder: Path) -> dict[str, str]:
    found = files.look(folder)
    return files.etags(found, found.files)


def settle(folder: Path) -> None:
    """Waits until the files are old enough to be remembered: times of change cannot be set."""
    time.sleep(files.SETTLED_NS / 1e9 + 0.1)
    for path in folder.rglob("*"):
        assert path.stat().st_ctime_ns < time.time_ns() - files.SETTLED_NS


def poison(home: Path) -> None:
    """Makes every remembered hash wrong, so that using one can be seen."""
    for path in (home / "cache").iterdir():
        path.write_text(
            json.dumps({n: [e[0], "kept"] for n, e in json.loads(path.read_text()).items()})
        )


def test_what_did_not_change_is_not_read_again(tmp_path: Path, own_home: Path):
    folder = write_files(tmp_path / "data", {"a": b"1", "b": b"2", "c": b"3", "d": b"4"})
    settle(folder)
    first = etags(folder)
    assert first["a"] == "c4ca4238a0b923820dcc509a6f75849b"
    poison(own_home)
    assert set(etags(folder).values()) == {"kept"}
    status = (folder / "a").stat()
    (folder / "a").write_bytes(b"9")  # the same size and time of change; ctime betrays it
    os.utime(folder / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "new").write_bytes(b"2")
    os.utime(folder / "new", ns=(status.st_atime_ns, (folder / "b").stat().st_mtime_ns))
    (folder / "new").rename(folder / "b")  # another file under the old name; the inode betrays it
    (folder / "c").write_bytes(b"33")
    again = etags(folder)
    assert again["d"] == "kept"
    assert "kept" not in {again["a"], again["b"], again["c"]}


def test_what_is_young_is_not_remembered(tmp_path: Path, own_home: Path):
    """Two changes within one tick of a file system's clock look like one."""
    folder = write_files(tmp_path / "data", {"a": b"1"})
    etags(folder)
    poison(own_home)
    assert "kept" not in etags(folder).values()


@pytest.mark.parametrize(
    "content", [b"", b"no json", b"[]", b'{"a": 1}', b'{"a": [1, 2]}', b"\xff"]
)
def test_an_unreadable_cache_is_made_anew(tmp_path: Path, own_home: Path, content: bytes):
    folder = write_files(tmp_path / "data", {"a": b"1"})
    etags(folder)
    for path in (own_home / "cache").iterdir():
        path.write_bytes(content)
    assert etags(folder) == {"a": "c4ca4238a0b923820dcc509a6f75849b"}


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path: Path, own_home: Path):
    own_home.write_bytes(b"a file")
    folder = write_files(tmp_path / "data", {"a": b"1"})
    assert etags(folder) == {"a": "c4ca4238a0b923820dcc509a6f75849b"}


def test_a_file_that_goes_while_looking(tmp_path: Path):
    folder = write_files(tmp_path / "data", {"a": b"1", "b": b"2"})
    found = files.look(folder)
    (folder / "a").unlink()
    assert files.etags(found, found.files) == {"b": "c81e728d9d4c2f636f067f89cc14862c"}


def test_a_write_is_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "deep/file"
    files.replace(path, b"first")

    with pytest.raises(KeyboardInterrupt), files.arriving(path) as new:
        new.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"first"
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_half_written_files_are_in_no_listing(tmp_path: Path):
    with files.arriving(tmp_path / "a"):
        assert files.look(tmp_path).files == {}
    assert list(files.look(tmp_path).files) == ["a"]


def test_a_folder_in_the_way_of_a_file(tmp_path: Path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ByoaError, match="is in the way"):
        files.replace(tmp_path / "a", b"x")
    with pytest.raises(ByoaError, match="is in the way"):
        files.replace(write_files(tmp_path, {"f": b""}) / "f/x", b"x")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "f"]


def test_a_ladder_of_links_ends(tmp_path: Path):
    """Folders whose links lead to each other's parents are walked once a way, and no further."""
    folder = write_files(tmp_path / "data", {"a/x": b"1", "b/y": b"2"})
    (folder / "a/to_b").symlink_to("../b")
    (folder / "b/to_a").symlink_to("../a")
    found = files.look(folder)
    assert set(found.files) == {"a/x", "a/to_b/y", "b/y", "b/to_a/x"}
    assert len(found.left_out) == 2
