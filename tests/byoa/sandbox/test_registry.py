"""The registry's protocol, request by request; docker itself is in tests/docker/test_sandbox.py."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.sandbox.registry import manifests, names, passwords
from byoa.sandbox.registry.errors import RegistryError
from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.registry_client import MANIFEST, Registry, digest_of


@pytest.fixture(scope="module")
def registry(sandbox: State, client: Clients) -> Registry:
    for name in ("one", "two/nested"):
        client("ecr").create_repository(repositoryName=name)
    return Registry(sandbox)


def test_the_door_asks_for_a_password(sandbox: State, registry: Registry):
    assert registry.ask("GET", "/v2/").status == 200
    nobody = registry.ask("GET", "/v2/", headers={"Authorization": ""})
    assert nobody.status == 401 and nobody.headers["WWW-Authenticate"].startswith("Basic ")
    assert Registry(sandbox, "wrong").ask("GET", "/v2/").status == 403
    old = passwords.make(sandbox.token, int(time.time()) - 1)
    assert Registry(sandbox, old).ask("GET", "/v2/").error == "DENIED"
    other = passwords.make("another secret", 4102444800)
    assert Registry(sandbox, other).ask("GET", "/v2/").status == 403


def test_an_image_comes_back_byte_for_byte(registry: Registry):
    layer = bytes(range(256)) * 5000
    digest = registry.push("one", "v1", layer)
    got = registry.ask("GET", "/v2/one/manifests/v1")
    assert got.headers["Content-Type"] == MANIFEST
    assert got.headers["Docker-Content-Digest"] == digest == digest_of(got.body)
    assert registry.ask("GET", f"/v2/one/manifests/{digest}").body == got.body
    head = registry.ask("HEAD", "/v2/one/manifests/v1")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(got.body)
    blob = json.loads(got.body)["layers"][0]["digest"]
    assert registry.ask("GET", f"/v2/one/blobs/{blob}").body == layer
    size = registry.ask("HEAD", f"/v2/one/blobs/{blob}").headers["Content-Length"]
    assert int(size) == len(layer)
    part = registry.ask("GET", f"/v2/one/blobs/{blob}", headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, layer[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(layer)}"
    beyond = registry.ask("GET", f"/v2/one/blobs/{blob}", headers={"Range": "bytes=9999999-"})
    assert beyond.status == 416
    tags = json.loads(registry.ask("GET", "/v2/one/tags/list").body)
    assert tags == {"name": "one", "tags": ["v1"]}


def test_a_blob_at_once_and_in_two_chunks(registry: Registry):
    data = b"at once"
    at_once = registry.ask("POST", f"/v2/one/blobs/uploads/?digest={digest_of(data)}", data)
    assert at_once.status == 201
    where = registry.ask("POST", "/v2/one/blobs/uploads/").headers["Location"]
    first = registry.ask("PATCH", where, b"abc", {"Content-Range": "0-2"})
    assert (first.status, first.headers["Range"]) == (202, "0-2")
    assert registry.ask("PATCH", where, b"x", {"Content-Range": "7-7"}).status == 416
    assert registry.ask("GET", where).headers["Range"] == "0-2"
    last = registry.ask("PUT", f"{where}?digest={digest_of(b'abcdef')}", b"def")
    assert last.status == 201
    assert registry.ask("GET", f"/v2/one/blobs/{digest_of(b'abcdef')}").body == b"abcdef"


def test_a_wrong_digest_is_refused_and_nothing_is_kept(sandbox: State, registry: Registry):
    where = registry.ask("POST", "/v2/one/blobs/uploads/").headers["Location"]
    wrong = digest_of(b"else")
    answer = registry.ask("PUT", f"{where}?digest={wrong}", b"data")
    assert (answer.status, answer.error) == (400, "DIGEST_INVALID")
    assert registry.ask("HEAD", f"/v2/one/blobs/{wrong}").status == 404
    assert registry.ask("PUT", f"{where}?digest={digest_of(b'data')}", b"").status == 404
    cancelled = registry.ask("POST", "/v2/one/blobs/uploads/").headers["Location"]
    assert registry.ask("DELETE", cancelled).status == 204
    assert registry.ask("PATCH", cancelled, b"x").error == "BLOB_UPLOAD_UNKNOWN"


def test_a_blob_belongs_to_the_repositories_that_it_was_pushed_or_mounted_to(registry: Registry):
    digest = registry.push_blob("one", b"shared layer")
    assert registry.ask("HEAD", f"/v2/two/nested/blobs/{digest}").status == 404
    wrong = registry.ask("POST", f"/v2/two/nested/blobs/uploads/?mount={digest}&from=two/else")
    assert wrong.status == 202, "what cannot be mounted is uploaded"
    mounted = registry.ask("POST", f"/v2/two/nested/blobs/uploads/?mount={digest}&from=one")
    assert mounted.status == 201
    assert registry.ask("HEAD", f"/v2/two/nested/blobs/{digest}").status == 200


def test_a_repository_that_nobody_made_is_refused(registry: Registry):
    answer = registry.ask("POST", "/v2/nobody/blobs/uploads/")
    assert (answer.status, answer.error) == (404, "NAME_UNKNOWN")
    assert b"does not exist in the registry with id '123456789012'" in answer.body


def test_a_manifest_of_what_is_not_there_is_refused(registry: Registry):
    part = {"mediaType": "x", "size": 1, "digest": digest_of(b"never pushed")}
    data = json.dumps({"schemaVersion": 2, "config": part, "layers": []}).encode()
    assert registry.put_manifest("one", "v9", data).error == "BLOB_UNKNOWN"
    assert registry.put_manifest("one", "v9", b"{").error == "MANIFEST_INVALID"
    assert registry.put_manifest("one", ".v9", data).error == "TAG_INVALID"
    assert registry.ask("GET", "/v2/one/manifests/v9").error == "MANIFEST_UNKNOWN"
    assert registry.ask("DELETE", "/v2/one/manifests/v1").status == 405, "ECR has its own API"


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../one/manifests/v1",
        "/v2/one/../../../etc/manifests/passwd",
        "/v2/one/manifests/..%2f..%2fstate.json",
        "/v2/%2e%2e/blobs/uploads/",
        "/v2/one/blobs/sha256:../../state.json",
        "/v2/_tags/manifests/v1",
        "/v2/one/_manifests/manifests/v1",
        "/v2/One/tags/list",
        "/v2/one%00/tags/list",
        "/v2/" + "a" * 5000 + "/tags/list",
        "/v2//tags/list",
        "/v2/one/blobs/uploads/..%2f..%2fx",
        "/v2/_catalog",
    ],
)
def test_paths_that_lead_elsewhere(registry: Registry, path: str):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = registry.ask(method, path, b"x")
        assert answer.status in {400, 404, 405}, (method, answer)
        assert answer.error


PARTS = st.sampled_from(
    ["..", ".", "one", "two", "nested", "blobs", "uploads", "manifests", "tags", "list", "v1", "",
     "_tags", "sha256:" + "0" * 64, "0" * 32, "%00", "~", "\\", "état", "a" * 300]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(PARTS | st.text(max_size=8), max_size=7),
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]),
    body=st.binary(max_size=64),
)
def test_any_path_is_answered_and_nothing_leaves_the_folder(
    sandbox: State, registry: Registry, parts: list[str], method: str, body: bytes
):
    path = "/v2/" + "/".join(quote(part, safe="%~:") for part in parts)
    answer = registry.ask(method, path, body)
    assert answer.status < 500, (method, path, answer)
    home = Path(sandbox.folder)
    assert {item.name for item in home.iterdir()} <= {
        "alive", "log", "state.json", "docker", "local", "registry", "builds", "lambda",
        "batch",
    }  # fmt: skip
    inside = {item.name for item in home.glob("registry/*")}
    assert inside <= {"blobs", "uploads", "repositories"}


@given(st.text())
def test_what_is_taken_as_a_name_is_a_safe_path(text: str):
    if names.is_name(text) or names.is_tag(text):
        parts = text.split("/")
        assert all(part not in {"", ".", ".."} and "\0" not in part for part in parts)
    if names.is_name(text):
        assert not any(part.startswith("_") for part in text.split("/"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["schemaVersion", "mediaType", "config", "layers", "manifests", "digest",
                         "size"]), inner, max_size=5,
    ),
    max_leaves=15,
)  # fmt: skip


@given(JSON | st.fixed_dictionaries({"schemaVersion": st.just(2), "config": JSON, "layers": JSON}))
def test_any_manifest_is_read_or_refused(document: object):
    try:
        found = manifests.parse(json.dumps(document).encode(), MANIFEST)
    except RegistryError as error:
        assert error.code == "MANIFEST_INVALID"
    else:
        assert all(names.is_digest(digest) for digest in [*found.blobs, *found.manifests])


@given(st.binary(), st.text())
def test_any_bytes_are_no_manifest(data: bytes, kind: str):
    with pytest.raises(RegistryError):
        manifests.parse(data, kind)


@given(st.text())
def test_no_made_up_password_is_good(word: str):
    assert not passwords.is_good("secret", word, 0)


def test_passwords_end():
    word = passwords.make("secret", 1000)
    assert passwords.is_good("secret", word, 999) and not passwords.is_good("secret", word, 1000)
    assert not passwords.is_good("other", word, 999)
    later = word.replace("1000.", "9999.")
    assert not passwords.is_good("secret", later, 999)
