"""Products by content: in a real S3 API and in a folder, one table of expectations."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from byoa import files
from byoa.aws.storage import S3Storage
from byoa.local.folder_storage import FolderStorage, path_of
from byoa.pipeline.store import ContentStore, sha256
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline import tree
from byoa.plan.storage import Storage
from byoa.plan.sync import clashes
from tests.byoa.s3_server import BUCKET, calls_of, files_of, s3, s3_address, write_files

__all__ = ["s3", "s3_address"]
PART = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
NAMES = st.lists(PART.filter(lambda one: one not in {".", ".."}), min_size=1, max_size=3).map(
    "/".join
)


@pytest.fixture(params=["folder", "s3"])
def store(request: Any, tmp_path: Path, monkeypatch: Any) -> ContentStore:
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    storage: Storage = (
        S3Storage(request.getfixturevalue("s3"), f"s3://{BUCKET}/p", part=4096)
        if request.param == "s3"
        else FolderStorage(tmp_path / "stored")
    )
    return ContentStore(storage, storage.base + "/pipelines/iris")


def objects(store: ContentStore) -> list[str]:
    return store.names("objects/")


def test_a_file_comes_back(store, tmp_path):
    path = write_files(tmp_path, {"a/model.pickle": os.urandom(10_000)}) / "a/model.pickle"
    content = store.put(path)
    assert (content.digest, content.size) == (sha256(path), 10_000)
    store.fetch(content.digest, tmp_path / "b/c/model.pickle")
    assert files_of(tmp_path / "b") == {"c/model.pickle": path.read_bytes()}


def test_what_is_there_is_not_sent_again(store, tmp_path):
    path = write_files(tmp_path, {"a": b"x" * 100}) / "a"
    digest = store.put(path).digest
    sent: list[Path] = []
    store = around(store, before=sent.append)
    assert store.put(path).digest == digest
    assert store.put(path, digest).digest == digest
    write_files(tmp_path, {"same": b"x" * 100, "other": b"y"})
    store.put(tmp_path / "same")
    assert sent == []
    store.put(tmp_path / "other")
    assert len(sent) == 1


class Around:
    """A storage whose uploads something happens before or after."""

    def __init__(self, inner: Storage, before: Callable[[Path], object] = id, after: Any = id):
        self.inner, self.before, self.after = inner, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def upload(self, path: Path, uri: str, progress: Any = None) -> None:
        self.before(path)
        self.inner.upload(path, uri, progress)
        self.after(path)


def around(store: ContentStore, **what: Any) -> ContentStore:
    storage: Any = Around(store.storage, **what)
    return ContentStore(storage, store.base)


def test_a_known_digest_saves_reading_the_file(store, tmp_path):
    path = write_files(tmp_path, {"a": b"old"}) / "a"
    digest = store.put(path).digest
    path.write_bytes(b"new")
    assert store.put(path, digest).digest == digest, "it was believed"
    with pytest.raises(files.ChangedError):
        store.put(path, "0" * 64)
    assert objects(store) == [digest]


def test_a_folder_comes_back_and_shares_its_files(store, tmp_path):
    contents = {"a": b"1", "sub/b": b"2" * 9000, "sub/c": b"1"}
    digest = store.put(write_files(tmp_path / "one", contents)).digest
    assert digest == tree.digest(
        {n: (sha256(tmp_path / "one" / n), len(contents[n])) for n in contents}
    )
    assert len(objects(store)) == 3, "two contents and the list"
    store.fetch(digest, tmp_path / "two")
    assert files_of(tmp_path / "two") == contents
    sent: list[Path] = []
    (tmp_path / "one/new").write_bytes(b"3")
    around(store, before=sent.append).put(tmp_path / "one")
    assert [path.name for path in sent] == ["new"]


def test_a_folder_replaces_what_was_there(store, tmp_path):
    digest = store.put(write_files(tmp_path / "one", {"a": b"1"})).digest
    write_files(tmp_path / "two", {"stale": b"0", "a": b"9"})
    store.fetch(digest, tmp_path / "two")
    assert files_of(tmp_path / "two") == {"a": b"1"}
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []


def test_an_empty_file_and_an_empty_folder(store, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    store.fetch(store.put(tmp_path / "folder").digest, tmp_path / "f2")
    store.fetch(store.put(tmp_path / "file").digest, tmp_path / "f3")
    assert (tmp_path / "f2").is_dir()
    assert (tmp_path / "f3").read_bytes() == b""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.dictionaries(NAMES, st.binary(max_size=40), max_size=6))
def test_any_folder_comes_back(tmp_path, contents):
    assume(not clashes(contents))
    here = tmp_path / uuid.uuid4().hex
    store = ContentStore(FolderStorage(here / "stored"))
    (here / "one").mkdir(parents=True)
    digest = store.put(write_files(here / "one", contents)).digest
    store.fetch(digest, here / "two")
    assert files_of(here / "two") == contents
    assert store.put(here / "two").digest == digest


def test_two_at_once_send_and_fetch_the_same(store, tmp_path):
    folder = write_files(tmp_path / "one", {str(n): str(n % 3).encode() for n in range(30)})
    with ThreadPoolExecutor(6) as pool:
        sent = {one.digest for one in pool.map(store.put, [folder] * 6)}
        (digest,) = sent
        list(pool.map(lambda n: store.fetch(digest, tmp_path / f"to-{n % 3}"), range(3)))
    assert all(files_of(tmp_path / f"to-{n}") == files_of(folder) for n in range(3))


def test_what_is_damaged_is_refused_and_goes(store, tmp_path):
    path = write_files(tmp_path, {"a": b"truth"}) / "a"
    digest = store.put(path).digest
    store.write(f"objects/{digest}", b"lies!")
    write_files(tmp_path, {"b": b"old"})
    with pytest.raises(ByoaError, match="damaged"):
        store.fetch(digest, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"old"
    assert objects(store) == []
    store.put(path)
    store.fetch(digest, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"truth"


@pytest.mark.parametrize("name", ["../out", "/etc/x", "a/../../out", "a//b", ""])
def test_a_list_cannot_leave_its_folder(store, tmp_path, name):
    evil = tree.listing({name: ("0" * 64, 1)})
    store.write("objects/" + tree.digest_of(evil), evil)
    with pytest.raises(ByoaError, match="cannot become a folder"):
        store.fetch(tree.digest_of(evil), tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_what_is_not_there(store, tmp_path):
    assert store.has(["0" * 64]) == set()
    assert store.find("records/fit.json") is None
    with pytest.raises(NotFoundError):
        store.fetch("0" * 64, tmp_path / "a")
    assert list(tmp_path.glob("**/a")) == []


@pytest.mark.parametrize("many", [1, 60])
def test_has_asks_one_by_one_or_lists(store, tmp_path, many):
    write_files(tmp_path / "files", {str(n): str(n).encode() for n in range(many)})
    there = {store.put(path).digest for path in (tmp_path / "files").iterdir()}
    assert store.has([*there, "0" * 64, "f" * 64]) == there


def test_documents(store):
    assert store.write("runs/7/manifest.json", b"{}", only_new=True)
    assert not store.write("runs/7/manifest.json", b"[]", only_new=True)
    store.write("runs/7/jobs/a.json", b"1")
    assert store.read("runs/7/manifest.json") == b"{}"
    assert store.names("runs/7/") == ["jobs/a.json", "manifest.json"]


def test_data_first_record_last(store, tmp_path):
    """A sending that breaks in the middle leaves no record that names what is not there."""
    write_files(tmp_path, {"a": b"1", "b": b"2"})
    products = {sha256(tmp_path / name): tmp_path / name for name in "ab"}

    def breaks(path: Path) -> None:
        if path.name == "b":
            raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        around(store, before=breaks).publish("records/t.json", b"{}", products)
    assert store.find("records/t.json") is None
    store.publish("records/t.json", b"{}", products)
    assert store.has(products) == set(products)
    assert store.read("records/t.json") == b"{}"


def test_a_file_that_changes_while_it_is_sent_is_not_kept(store, tmp_path):
    path = write_files(tmp_path, {"a": b"before"}) / "a"
    slow = around(store, after=lambda source: source.write_bytes(b"after, and longer"))
    with pytest.raises(files.ChangedError):
        slow.put(path)
    assert objects(store) == []


def test_in_s3_an_unchanged_file_costs_one_request(s3, tmp_path):
    store = ContentStore(S3Storage(s3, f"s3://{BUCKET}"))
    path = write_files(tmp_path, {"a": b"1"}) / "a"
    digest = store.put(path).digest
    calls = calls_of(s3)
    store.put(path, digest)
    assert calls == ["ListObjectsV2"]


def test_a_folder_store_keeps_plain_files(tmp_path):
    """So that a person can look at it, and `rsync` carry it."""
    store = ContentStore(FolderStorage(tmp_path / "s"))
    digest = store.put(write_files(tmp_path, {"a": b"1"}) / "a").digest
    assert path_of(store.uri(f"objects/{digest}")).read_bytes() == b"1"
