"""Clients that keep products: a folder, and S3 behind a real API; one table of expectations."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from byoa.pipeline.clients import (
    GCloudStorageClient,
    LocalStorageClient,
    RemoteShellClient,
    S3Client,
)
from byoa.pipeline.clients.base import Clients
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.model import Dotted
from tests.byoa.s3_server import BUCKET, calls_of, files_of, s3, s3_address, write_files

__all__ = ["s3", "s3_address"]
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    write_files(folder, {"pipeline.yaml": b"tasks: []"})
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    return folder


def s3_store(address, **more):
    return S3Client(
        BUCKET, "my-project/products", endpoint_url=address, region_name="us-east-1", **KEYS, **more
    )


@pytest.fixture(params=["folder", "s3"])
def client(request, root):
    if request.param == "folder":
        return LocalStorageClient("backup")
    request.getfixturevalue("s3")
    return s3_store(request.getfixturevalue("s3_address"))


def test_a_file_there_and_back(client, root):
    write_files(root, {"out/data.csv": b"1,2"})
    assert not client._remote_exists("out/data.csv")
    client.upload("out/data.csv")
    assert client._remote_exists(root / "out/data.csv")
    (root / "out/data.csv").write_bytes(b"changed here")
    client.download("out/data.csv")
    client.download("out/data.csv", "elsewhere/copy.csv")
    assert files_of(root / "out") == {"data.csv": b"1,2"}
    assert files_of(root / "elsewhere") == {"copy.csv": b"1,2"}


def test_a_folder_is_what_it_was(client, root):
    write_files(root, {"out/parts/0.csv": b"0", "out/parts/sub/1.csv": b"1"})
    client.upload("out/parts")
    (root / "out/parts/0.csv").unlink()
    write_files(root, {"out/parts/2.csv": b"2"})
    client.upload("out/parts")
    client.download("out/parts", "copy")
    assert files_of(root / "copy") == {"sub/1.csv": b"1", "2.csv": b"2"}
    client.download("out/parts", "copy")
    assert files_of(root / "copy") == {"sub/1.csv": b"1", "2.csv": b"2"}


def test_a_folder_with_one_file_of_its_own_name(client, root):
    write_files(root, {"out/out": b"0"})
    client.upload("out")
    client.download("out", "copy")
    assert files_of(root / "copy") == {"out": b"0"}


def test_a_file_that_was_a_folder_and_a_folder_that_was_a_file(client, root):
    write_files(root, {"a/1": b"1", "b": b"2"})
    client.upload("a")
    client.upload("b")
    (root / "a/1").unlink()
    (root / "a").rmdir()
    (root / "b").unlink()
    write_files(root, {"a": b"3", "b/4": b"4"})
    client.upload("a")
    client.upload("b")
    client.download("a", "copies/a")
    client.download("b", "copies/b")
    assert files_of(root / "copies") == {"a": b"3", "b/4": b"4"}


def test_a_name_that_begins_like_another_is_another(client, root):
    write_files(root, {"out/fit": b"1", "out/fit-2": b"2"})
    client.upload("out/fit-2")
    assert not client._remote_exists("out/fit")
    with pytest.raises(NotFoundError, match="has no out/fit"):
        client.download("out/fit")
    assert (root / "out/fit").read_bytes() == b"1", "what is here stays when there is nothing there"
    assert not list(root.glob("out/.byoa*"))


def test_only_what_is_below_the_project(client, tmp_path, root):
    write_files(tmp_path, {"secret": b"1"})
    for path in (tmp_path / "secret", "../secret", "out/../../secret"):
        with pytest.raises(UsageError, match="is not below"):
            client.upload(path)
    write_files(root, {"out/a": b"1"})
    (tmp_path / "link").symlink_to(root)
    client.upload(tmp_path / "link/out/a")
    client.upload("out/../out/a")
    assert client._remote_exists("out/a")


def test_it_travels(client, root):
    write_files(root, {"a": b"1"})
    pickle.loads(pickle.dumps(client)).upload("a")  # noqa: S301
    assert client._remote_exists("a")


def test_what_is_there_is_not_sent_again(root, s3, s3_address):
    client = s3_store(s3_address)
    write_files(root, {"a": b"1"})
    client.upload("a")
    calls = calls_of(client.client)
    client.upload("a")
    assert calls == ["ListObjectsV2"]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "my-project/products/a"
    ]


def test_the_layout_of_a_folder_is_the_projects(root, tmp_path):
    write_files(root, {"out/a": b"1"})
    for folder in (tmp_path / "backup", "../other"):
        LocalStorageClient(folder).upload("out/a")
    assert files_of(tmp_path / "backup") == files_of(tmp_path / "other") == {"out/a": b"1"}


def test_keys_from_a_file_work_and_are_warned_about(root, s3, s3_address):
    (root / "credentials.json").write_text(json.dumps(KEYS))
    client = S3Client(
        BUCKET, "p", json_credentials_path="credentials.json", endpoint_url=s3_address
    )
    write_files(root, {"a": b"1"})
    with pytest.warns(UserWarning, match=r"takes keys from credentials\.json") as warned:
        client.upload("a")
    assert "secret" not in str(warned[0].message)
    assert "secret" not in repr(client)


@pytest.mark.parametrize("content", [None, "[]", "{}", "no json"])
def test_keys_that_cannot_be_read(root, content):
    if content is not None:
        (root / "c.json").write_text(content)
    with pytest.raises(UsageError, match=r"c\.json"):
        S3Client(BUCKET, "p", json_credentials_path="c.json").upload("a")


def test_where_there_is_no_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no pipeline\.yaml"):
        LocalStorageClient("backup")
    assert LocalStorageClient("backup", path_to_project_root=tmp_path)._remote_path("a/b") == "a/b"


def test_the_root_is_found_upwards(root, monkeypatch):
    write_files(root, {"deep/er/x": b"1"})
    monkeypatch.chdir(root / "deep/er")
    assert LocalStorageClient("b")._remote_path("x") == "deep/er/x"


@pytest.mark.parametrize("refused", [GCloudStorageClient, RemoteShellClient])
def test_what_we_have_not_got_can_be_imported_and_says_so(refused):
    with pytest.raises(UsageError, match="is not here"):
        refused("bucket", parent="p")


def test_clients_of_a_pipeline(tmp_path, monkeypatch):
    """Each is made once, by the user's function, with the pipeline's root known."""
    source = """
from byoa.pipeline.clients import LocalStorageClient
made = []
def local(folder="backup"):
    made.append(folder)
    return LocalStorageClient(folder)
def nothing():
    return None
"""
    write_files(tmp_path / "root", {"its_clients.py": source.encode()})
    monkeypatch.syspath_prepend(tmp_path)  # taken back after the test, as the root will be
    clients = Clients(str(tmp_path / "root"))
    one = clients.of(Dotted("its_clients.local"))
    assert clients.of(Dotted("its_clients.local")) is one
    other = clients.of(Dotted("its_clients::local", {"folder": "x"}))
    assert (one.parent, other.parent) == ("backup", "x")
    assert one._remote_path(Path(tmp_path, "root/a")) == "a"
    for path, said in {
        "its_clients.nothing": "is None",
        "its_clients.absent": "has no 'absent'",
        "no_module_here.get": "no module 'no_module_here'",
        "get": "MODULE.FUNCTION",
    }.items():
        with pytest.raises(UsageError, match=said):
            clients.of(Dotted(path))
    clients.close()
    assert clients.of(Dotted("its_clients.local")) is not one
