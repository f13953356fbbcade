"""What S3Storage and FolderStorage have in common: the same tests run over both."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoa.aws.storage import S3Storage
from byoa.local.folder_storage import FolderStorage
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.plan.storage import Storage
from tests.byoa.s3_server import BUCKET, files_of, s3, s3_address, write_files

__all__ = ["s3", "s3_address"]

ODD = {
    "with space and + plus": b"1",
    "per%cent %41": b"2",
    "ünï/文件/😀.txt": b"3",
    ".leading/.dot": b"4",
    "a'b\"c&d<e>;=?#@,:$!*()[]{}|\\^~`": b"5",
    "tab\tinside": b"6",
    "zero": b"",
    "-": b"7",
}


@pytest.fixture(params=["s3", "folder"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Storage:
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    if request.param == "s3":
        return S3Storage(request.getfixturevalue("s3"), f"s3://{BUCKET}/pre fix", part=4096)
    return FolderStorage(tmp_path / "the store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "data", {"a": b"1", "sub/b": b"22", "sub/deep/c": b"333"})


def names(storage: Storage, uri: str) -> list[str]:
    return [one.name for one in storage.objects(uri)]


def test_a_folder_is_sent_and_comes_back(storage: Storage, folder: Path, tmp_path: Path):
    uri = f"{storage.base}/project/task/input/data/"
    synced = storage.sync(folder, uri)
    assert synced.uploaded == ("a", "sub/b", "sub/deep/c")
    assert synced.sent_bytes == 6
    written = storage.download(uri, tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(folder)
    assert sorted(written) == sorted(tmp_path / "back" / name for name in files_of(folder))


def test_the_second_sync_sends_nothing(storage: Storage, folder: Path):
    first = storage.sync(folder, f"{storage.base}/data")
    second = storage.sync(folder, f"{storage.base}/data/")
    assert (second.uploaded, second.unchanged) == ((), first.uploaded)
    assert second.sent_bytes == 0
    assert first.fingerprint == second.fingerprint == storage.fingerprint(f"{storage.base}/data/")


def test_only_what_changed_is_sent(storage: Storage, folder: Path):
    uri = f"{storage.base}/data/"
    first = storage.sync(folder, uri)
    (folder / "a").write_bytes(b"9")  # the same size
    (folder / "sub/b").write_bytes(b"longer")
    second = storage.sync(folder, uri)
    assert (second.uploaded, second.unchanged) == (("a", "sub/b"), ("sub/deep/c",))
    assert storage.read(uri + "a") == b"9"
    assert first.fingerprint != second.fingerprint == storage.fingerprint(uri)


def test_same_size_and_time_but_other_content_is_sent(storage: Storage, folder: Path):
    uri = f"{storage.base}/data/"
    old = (10**18, 10**18)
    os.utime(folder / "a", ns=old)
    storage.sync(folder, uri)
    (folder / "a").write_bytes(b"9")
    os.utime(folder / "a", ns=old)
    assert storage.sync(folder, uri).uploaded == ("a",)


def test_a_renamed_file_is_told_or_deleted(storage: Storage, folder: Path):
    uri = f"{storage.base}/data/"
    storage.sync(folder, uri)
    (folder / "a").rename(folder / "z")
    kept = storage.sync(folder, uri)
    assert (kept.uploaded, kept.extra, kept.deleted) == (("z",), ("a",), ())
    assert names(storage, uri) == ["a", "sub/b", "sub/deep/c", "z"]
    gone = storage.sync(folder, uri, delete=True)
    assert (gone.uploaded, gone.extra, gone.deleted) == ((), (), ("a",))
    assert names(storage, uri) == ["sub/b", "sub/deep/c", "z"]
    assert gone.fingerprint == storage.fingerprint(uri)


def test_sync_never_touches_a_neighbour(storage: Storage, folder: Path, tmp_path: Path):
    storage.write(f"{storage.base}/data2/x", b"keep")
    storage.write(f"{storage.base}/data", b"keep") if isinstance(storage, S3Storage) else None
    empty = tmp_path / "empty"
    empty.mkdir()
    assert storage.sync(empty, f"{storage.base}/data", delete=True).deleted == ()
    assert storage.read(f"{storage.base}/data2/x") == b"keep"


def test_an_empty_folder_is_no_mistake(storage: Storage, tmp_path: Path):
    (tmp_path / "empty/er").mkdir(parents=True)
    synced = storage.sync(tmp_path / "empty", f"{storage.base}/data/")
    assert (synced.uploaded, synced.unchanged) == ((), ())
    assert synced.fingerprint == storage.fingerprint(f"{storage.base}/data/")


def test_one_file_is_sent_under_its_name(storage: Storage, folder: Path):
    synced = storage.sync(folder / "sub/b", f"{storage.base}/data/")
    assert synced.uploaded == ("b",)
    assert storage.read(f"{storage.base}/data/b") == b"22"


def test_odd_names_arrive_as_they_are(storage: Storage, tmp_path: Path):
    folder = write_files(tmp_path / "odd", ODD)
    uri = f"{storage.base}/data/"
    assert storage.sync(folder, uri).uploaded == tuple(sorted(ODD))
    assert storage.sync(folder, uri).uploaded == ()
    assert sorted(names(storage, uri)) == sorted(ODD)
    storage.download(uri, tmp_path / "back")
    assert files_of(tmp_path / "back") == ODD


def test_files_of_many_parts(storage: Storage, tmp_path: Path):
    sizes = [4095, 4096, 4097, 8192, 100_000]
    contents = {str(size): os.urandom(size) for size in sizes}
    folder, uri = write_files(tmp_path / "large", contents), f"{storage.base}/data/"
    seen: list[tuple[int, ...]] = []
    storage.sync(folder, uri, progress=lambda *told: seen.append(told))
    assert seen[-1] == (sum(sizes), sum(sizes), 5, 5)
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)
    assert storage.sync(folder, uri).uploaded == ()
    storage.download(uri, tmp_path / "back", lambda *told: seen.append(told))
    assert files_of(tmp_path / "back") == contents
    assert seen[-1] == (sum(sizes), sum(sizes), 5, 5)


def test_links_inside_are_followed(storage: Storage, folder: Path):
    (folder / "link").symlink_to("sub/b")
    (folder / "again").symlink_to(folder / "sub", target_is_directory=True)
    synced = storage.sync(folder, f"{storage.base}/data/")
    assert {"link", "again/b", "again/deep/c"} <= set(synced.uploaded)
    assert storage.read(f"{storage.base}/data/again/b") == b"22"


def test_a_loop_of_links_is_left_out_and_told(storage: Storage, folder: Path):
    (folder / "sub/up").symlink_to("..", target_is_directory=True)
    synced = storage.sync(folder, f"{storage.base}/data/")
    assert len(synced.left_out) == 1
    assert "up: a link to a folder that it lies in" in synced.left_out[0]
    assert synced.uploaded == ("a", "sub/b", "sub/deep/c")


def test_pipes_and_sockets_are_left_out_and_told(storage: Storage, folder: Path):
    os.mkfifo(folder / "pipe")
    here = Path.cwd()
    os.chdir(folder)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            synced = storage.sync(folder, f"{storage.base}/data/")
    finally:
        os.chdir(here)
    assert [sentence.partition(":")[0] for sentence in sorted(synced.left_out)] == [
        "pipe",
        "socket",
    ]


def test_links_out_and_to_nothing_end_it_before_anything_is_sent(
    storage: Storage, folder: Path, tmp_path: Path
):
    (folder / "out").symlink_to(tmp_path)
    (folder / "nothing").symlink_to("nowhere")
    with pytest.raises(UsageError, match="nothing was done") as caught:
        storage.sync(folder, f"{storage.base}/data/")
    assert "out/ (a link out of the folder" in str(caught.value)
    assert "nothing (a link to nothing)" in str(caught.value)
    assert names(storage, f"{storage.base}/data/") == []


@pytest.mark.parametrize("missing", ["nowhere", "data/nowhere"])
def test_a_folder_that_is_not_there(storage: Storage, folder: Path, missing: str):
    with pytest.raises(UsageError, match="nowhere: No such file or directory"):
        storage.sync(folder.parent / missing, f"{storage.base}/data/")


def test_unreadable_files_are_all_named(tmp_path: Path):
    """As another user than root, for whom nothing is unreadable."""
    folder = write_files(tmp_path / "data", {"a": b"1", "b": b"2", "fine": b"3", "shut/x": b"4"})
    for name in ("a", "b", "shut"):
        (folder / name).chmod(0)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and len(path.parts) > 2:
            path.chmod(path.stat().st_mode | 0o055)
    script = """
        import os, sys
        from pathlib import Path
        from byoa import files
        from byoa.plan.errors import UsageError
        if os.getuid() == 0:
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
        try:
            files.look(Path(sys.argv[1]))
        except UsageError as error:
            print(error)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    (folder / "shut").chmod(0o700)
    for name in ("a (Permission denied)", "b (Permission denied)", "shut/ (Permission denied)"):
        assert name in said.stdout, said
    assert "fine" not in said.stdout


def test_one_object_is_read_listed_and_fetched(storage: Storage, tmp_path: Path):
    uri = f"{storage.base}/project/task/job/output/model.tar.gz"
    (tmp_path / "model").write_bytes(b"weights")
    storage.upload(tmp_path / "model", uri)
    assert storage.read(uri) == b"weights"
    assert [(one.name, one.size) for one in storage.objects(uri)] == [("model.tar.gz", 7)]
    assert storage.download(uri, tmp_path / "back") == [tmp_path / "back/model.tar.gz"]
    assert (tmp_path / "back/model.tar.gz").read_bytes() == b"weights"


def test_what_lies_below_an_address_without_a_slash(storage: Storage, folder: Path, tmp_path: Path):
    storage.sync(folder, f"{storage.base}/data")
    storage.write(f"{storage.base}/data-2/x", b"not this")
    assert names(storage, f"{storage.base}/data") == ["a", "sub/b", "sub/deep/c"]
    storage.download(f"{storage.base}/data", tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(folder)


def test_what_is_not_there(storage: Storage, tmp_path: Path):
    with pytest.raises(NotFoundError, match="is not there"):
        storage.read(f"{storage.base}/nothing")
    for uri in (f"{storage.base}/nothing", f"{storage.base}/nothing/"):
        assert names(storage, uri) == []
        with pytest.raises(NotFoundError, match="nothing at"):
            storage.download(uri, tmp_path)
        assert storage.delete(uri) == 0


def test_a_write_that_must_be_the_first(storage: Storage):
    uri = f"{storage.base}/runs/000001.json"
    assert storage.write(uri, b"first", only_new=True)
    assert not storage.write(uri, b"second", only_new=True)
    assert storage.read(uri) == b"first"
    assert storage.write(uri, b"third")
    assert storage.read(uri) == b"third"


def test_of_many_first_writers_one_wins(tmp_path: Path):
    """In S3 itself this holds as well; moto looks and writes without a lock."""
    storage = FolderStorage(tmp_path)
    uri = f"{storage.base}/runs/000001.json"
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: storage.write(uri, b"%d" % n, only_new=True), range(16)))
    assert sum(won) == 1
    assert storage.read(uri) == b"%d" % won.index(True)


def test_deleting_one_object_or_all_below(storage: Storage):
    for name in ("proj/a", "proj/sub/b", "proj2/c", "proj.json"):
        storage.write(f"{storage.base}/{name}", b"x")
    assert storage.delete(f"{storage.base}/proj") == 0  # an address without a slash is one object
    assert storage.delete(f"{storage.base}/proj/a") == 1
    assert storage.delete(f"{storage.base}/proj/") == 1
    assert names(storage, f"{storage.base}/") == ["proj.json", "proj2/c"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.sets(
        st.text("ab2/-. ", min_size=1, max_size=6).filter(
            lambda k: "//" not in f"/{k}/" and not {".", ".."} & set(k.split("/"))
        ),
        max_size=8,
    ),
    target=st.sampled_from(["a/", "ab/", "a2/", "b/a/"]),
)
def test_deletion_stays_below_its_slash(storage: Storage, keys: set[str], target: str):
    """S6: a project `proj` never touches `proj2/`, whatever the names."""
    storage.delete(f"{storage.base}/box/")
    written: set[str] = set()
    for key in sorted(keys):
        if not any(other.startswith(key + "/") or key.startswith(other + "/") for other in written):
            storage.write(f"{storage.base}/box/{key}", b"x")
            written.add(key)
    below = {key for key in written if key.startswith(target)}
    assert storage.delete(f"{storage.base}/box/{target}") == len(below)
    assert set(names(storage, f"{storage.base}/box/")) == written - below


def test_what_is_there_already_is_not_fetched_again(storage: Storage, folder: Path, tmp_path: Path):
    uri = f"{storage.base}/data/"
    storage.sync(folder, uri)
    storage.download(uri, tmp_path / "back")
    before = (tmp_path / "back/a").stat().st_ino
    (tmp_path / "back/sub/b").write_bytes(b"xx")
    storage.download(uri, tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(folder)
    if isinstance(storage, S3Storage):
        assert (tmp_path / "back/a").stat().st_ino == before


def test_a_download_replaces_a_link_and_not_its_target(
    storage: Storage, folder: Path, tmp_path: Path
):
    storage.sync(folder, f"{storage.base}/data/")
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "back").mkdir()
    (tmp_path / "back/a").symlink_to(outside)
    storage.download(f"{storage.base}/data/", tmp_path / "back")
    assert outside.read_bytes() == b"mine"
    assert (tmp_path / "back/a").read_bytes() == b"1"


def test_both_give_the_same_fingerprint(s3: Any, folder: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    there, here = S3Storage(s3, f"s3://{BUCKET}"), FolderStorage(tmp_path / "store")
    first, second = (store.sync(folder, f"{store.base}/data/") for store in (there, here))
    assert first.fingerprint == second.fingerprint


def test_a_foreign_address_is_a_sentence(storage: Storage):
    wrong = "file:///tmp/x" if isinstance(storage, S3Storage) else "s3://bucket/x"
    with pytest.raises(UsageError, match="here addresses"):
        storage.read(wrong)


def test_a_file_in_the_way_of_a_folder(storage: Storage, folder: Path, tmp_path: Path):
    storage.sync(folder, f"{storage.base}/data/")
    (tmp_path / "back").mkdir()
    (tmp_path / "back/sub").write_bytes(b"in the way")
    with pytest.raises(ByoaError, match="sub"):
        storage.download(f"{storage.base}/data/", tmp_path / "back")
    assert not [path for path in (tmp_path / "back").rglob("*") if "partial" in path.name]


CONTENTS = st.dictionaries(st.sampled_from(["a", "b", "sub/c", "sub/d/e"]), st.binary(max_size=3))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.tuples(CONTENTS, st.booleans()), min_size=1, max_size=4))
def test_whatever_happened_before_it_ends_as_it_should(
    storage: Storage, tmp_path_factory: pytest.TempPathFactory, rounds: list[Any]
):
    """Several syncs of a changing folder; then what is there is what each of them left."""
    top = tmp_path_factory.mktemp("rounds")
    uri = f"{storage.base}/{top.name}/"
    expected: dict[str, bytes] = {}
    for number, (contents, delete) in enumerate(rounds):
        folder = top / str(number)
        folder.mkdir()
        write_files(folder, contents)
        before = dict(expected)
        expected = contents if delete else before | contents
        synced = storage.sync(folder, uri, delete=delete)
        assert set(synced.uploaded) == {n for n, d in contents.items() if before.get(n) != d}
        assert synced.fingerprint == storage.fingerprint(uri)
    if expected:
        storage.download(uri, top / "back")
    assert {one.name for one in storage.objects(uri)} == expected.keys()
    assert (files_of(top / "back") if expected else {}) == expected
