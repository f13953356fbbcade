"""SageMaker's API of a multi-model container: load, list, describe, invoke, unload."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.serving.many_models import Many

STRANGE = [
    "a/b",
    "/",
    "//a/",
    "..",
    "../../etc/passwd",
    "ünïcode 模型",
    "a?b#c%41",
    " ",
    "x" * 900,
    "%2e%2e/%00",
]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    """A multi-model container without a model."""
    with Many(tmp_path_factory.mktemp("many")) as made:
        yield made


def test_it_is_ready_without_a_model(many: Many) -> None:
    reply = many.serving.ping()
    assert (reply.status, reply.body) == (200, b"")
    reply = many.serving.post()
    assert (reply.status, reply.code) == (404, "multi_model")


def test_a_model_from_load_to_unload(many: Many) -> None:
    url = many.put("first", 3)
    assert many.invoke("one").status == 404
    assert many.load("one", url).status == 200
    loaded = {"modelName": "one", "modelUrl": url}
    assert many.get("one").json == loaded
    assert loaded in many.listed()
    reply = many.invoke("one", headers={"X-Amzn-SageMaker-Target-Model": "first.tar.gz"})
    assert reply.json == {"answer": 63, "name": "one", "target": "first.tar.gz"}
    again = many.load("one", url)
    assert (again.status, again.code) == (409, "already_loaded")
    assert many.unload("one").status == 200
    assert (
        many.get("one").code == many.unload("one").code == many.invoke("one").code == "not_loaded"
    )
    assert loaded not in many.listed()


@pytest.mark.parametrize("name", STRANGE)
def test_names_are_opaque(many: Many, name: str) -> None:
    url = many.put("strange", 2)
    assert many.load(name, url).status == 200
    assert many.get(name).json == {"modelName": name, "modelUrl": url}
    assert many.invoke(name).json["answer"] == 42
    assert many.unload(name).status == 200
    assert many.get(name).status == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"model_name": "a"}', b'{"model_name": 1, "url": "/x"}',
             b'{"model_name": "", "url": "/x"}', b'{"model_name": "\\ud800", "url": "/x"}',
             b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_a_bad_body_is_refused(many: Many, body: bytes) -> None:
    reply = many.serving.request("POST", "/models", body)
    assert (reply.status, reply.code) == (400, "bad_request"), reply


@pytest.mark.parametrize(
    "url", ["/etc", "/", "models/x", "{models}", "{models}/../model", "s3://b/k"]
)
def test_only_models_are_read(many: Many, url: str) -> None:
    reply = many.load("outside", url.replace("{models}", str(many.folder / "models")))
    assert (reply.status, reply.code) == (400, "bad_request"), reply


def test_a_link_that_leads_out_is_refused(many: Many, tmp_path: Path) -> None:
    (many.folder / "models/link").symlink_to(tmp_path)
    reply = many.load("outside", str(many.folder / "models/link"))
    assert (reply.status, reply.code) == (400, "bad_request"), reply


def test_a_folder_that_is_not_there(many: Many) -> None:
    reply = many.load("absent", str(many.folder / "models/absent/model"))
    assert (reply.status, reply.code) == (404, "no_folder")


def test_a_model_that_cannot_be_loaded_harms_nobody(many: Many) -> None:
    assert many.load("good", many.put("good", 2)).status == 200
    reply = many.load("bad", many.put("bad", "no number"))
    assert (reply.status, reply.code) == (500, "cannot_load")
    assert "model_fn" in reply.json["error"]["message"]
    assert "ValueError" in reply.json["error"]["message"]
    assert many.get("bad").status == 404
    assert many.invoke("good").json["answer"] == 42
    assert many.unload("good").status == 200


def test_pages(many: Many) -> None:
    url = many.put("paged", 2)
    names = [f"page-{number}" for number in range(5)]
    for name in names:
        assert many.load(name, url).status == 200
    assert [one["modelName"] for one in many.listed(limit=2)] == names
    for query in ("limit=0", "limit=x", "next_page_token=%F0%9F", "next_page_token=nonsense"):
        assert many.serving.request("GET", f"/models?{query}").code == "bad_request"
    for name in names:
        assert many.unload(name).status == 200
    assert json.loads(many.serving.request("GET", "/models").body) == {"models": []}
