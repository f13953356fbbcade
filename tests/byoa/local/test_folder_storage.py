"""What is the folder's alone: addresses, and that readers never see half of anything."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.local.folder_storage import FolderStorage, address, path_of
from byoa.plan.errors import ByoaError, UsageError
from tests.byoa.s3_server import files_of, write_files

PIECES = st.text(min_size=1, max_size=20).filter(
    lambda piece: piece not in {".", ".."} and not set(piece) & {"/", "\0"}
)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))


@given(st.lists(PIECES | st.just("%2e%2e") | st.just("a b#?%"), min_size=1, max_size=4))
def test_every_path_has_an_address(pieces: list[str]):
    path = Path("/", *pieces)
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # a lone half of a pair, which no file name can hold
        return
    assert path_of(address(path)) == path
    assert address(path).isascii()


def test_names_that_are_not_utf8_have_one_too():
    path = Path(os.fsdecode(b"/a/\xff"))
    assert address(path) == "file:///a/%FF"
    assert path_of(address(path)) == path


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/key",
        "/a/path",
        "file://host/a",
        "file:a",
        "file:///a/../b",
        "file:///%2e%2e/b",
        "",
    ],
)
def test_what_is_no_address_of_a_file(uri: str):
    with pytest.raises(UsageError):
        path_of(uri)


def test_readers_see_the_old_or_the_new(tmp_path: Path):
    storage = FolderStorage(tmp_path / "store")
    uri = f"{storage.base}/status.json"
    storage.write(uri, b"0" * 100_000)
    stop = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not stop.is_set():
            seen.add(storage.read(uri))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(100):
            storage.write(uri, str(number % 10).encode() * 100_000)
    finally:
        stop.set()
        reader.join()
    assert {len(data) for data in seen} == {100_000}
    assert all(len(set(data)) == 1 for data in seen)


def test_only_its_own_folders_are_deleted(tmp_path: Path):
    storage = FolderStorage(tmp_path / "store")
    write_files(tmp_path, {"store/a/x": b"", "store2/x": b"", "home.txt": b""})
    for uri in ("file:///", address(tmp_path) + "/", address(tmp_path / "store2") + "/"):
        with pytest.raises(UsageError, match="is not below"):
            storage.delete(uri)
    assert storage.delete(f"{storage.base}/a/") == 1
    assert set(files_of(tmp_path)) == {"store2/x", "home.txt"}


def test_deleted_files_leave_no_empty_folders(tmp_path: Path):
    storage = FolderStorage(tmp_path / "store")
    folder = write_files(tmp_path / "data", {"a/b/c": b"1", "a/d": b"2"})
    storage.sync(folder, f"{storage.base}/data/")
    (folder / "a/b/c").unlink()
    storage.sync(folder, f"{storage.base}/data/", delete=True)
    assert [path.name for path in (tmp_path / "store/data").rglob("*")] == ["a", "d"]


def test_programs_stay_programs(tmp_path: Path):
    storage = FolderStorage(tmp_path / "store")
    folder = write_files(tmp_path / "data", {"run": b"#!", "plain": b""})
    (folder / "run").chmod(0o755)
    storage.sync(folder, f"{storage.base}/data/")
    storage.download(f"{storage.base}/data/", tmp_path / "back")
    assert (tmp_path / "back/run").stat().st_mode & 0o111
    assert not (tmp_path / "back/plain").stat().st_mode & 0o111


def test_a_folder_where_a_file_should_be(tmp_path: Path):
    storage = FolderStorage(tmp_path / "store")
    storage.write(f"{storage.base}/a", b"1")
    with pytest.raises(ByoaError, match="is in the way"):
        storage.write(f"{storage.base}/a/b", b"2")


def test_a_folder_of_somebody_else_can_be_read(tmp_path: Path):
    """A file:// input is the user's own folder, not one of the storage."""
    storage = FolderStorage(tmp_path / "store")
    folder = write_files(tmp_path / "my data", {"x": b"1"})
    uri = address(folder) + "/"
    assert [one.name for one in storage.objects(uri)] == ["x"]
    first = storage.fingerprint(uri)
    (folder / "x").write_bytes(b"2")
    assert storage.fingerprint(uri) != first


def test_whether_there_is_any_is_not_worth_reading_all(tmp_path: Path):
    storage = FolderStorage(tmp_path / "store")
    storage.sync(write_files(tmp_path / "data", {"a": b"1", "b": b"2"}), f"{storage.base}/data/")
    (tmp_path / "store/data/b").unlink()
    (tmp_path / "store/data/b").symlink_to("a")
    objects = storage.objects(f"{storage.base}/data/")
    assert next(objects).name == "a"
    (tmp_path / "store/data/a").unlink()  # b can no longer be read, and nobody asked for it
    assert list(objects) == []


def test_what_was_just_stored_is_not_read_twice(tmp_path: Path):
    """Stored files are only ever replaced: being young is no reason to distrust one."""
    storage = FolderStorage(tmp_path / "store")
    storage.sync(write_files(tmp_path / "data", {"a": b"1"}), f"{storage.base}/data/")
    for path in (tmp_path / "home/cache").iterdir():
        path.write_text(path.read_text().replace("c4ca4238a0b923820dcc509a6f75849b", "kept"))
    assert [one.etag for one in storage.objects(f"{storage.base}/data/")] == ["kept"]
