"""What strangers send to /models: any body, name, token and path gets an answer of ours."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.serving.invocations import Request
from container.serving.models import Models
from container.serving.models_api import BadRequestError, ModelsApi, located, wanted
from container.serving.models_one import Model, ModelBroker

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("model_name"), inner),
)
TEXT = st.text(st.characters(exclude_categories=[]), max_size=3000)
PATHS = st.lists(
    st.sampled_from(["a", "..", ".", "", "%2e", "%00", "%ff", "invoke", "~"]), max_size=6
)
METHODS = st.sampled_from(["GET", "POST", "DELETE", "PUT"])


class Body:
    """A body that has come."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, limit: int) -> bytes:
        return self.data

    def discard(self) -> None:
        """Nothing is on its way."""


def api(folder: Path) -> ModelsApi:
    """The API over seven models, none of which is a process."""
    broker = cast(ModelBroker, None)
    loaded = [Model(number, f"m{number}", "/x", folder, broker) for number in range(1, 8)]
    held = SimpleNamespace(
        settings=SimpleNamespace(models_folder=folder),
        listed=lambda: loaded,
        find=lambda name: None,
    )
    return ModelsApi(cast(Models, held))


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
def test_any_body_is_a_wish_or_refused(body: bytes) -> None:
    try:
        name, url = wanted(body)
    except BadRequestError as error:
        assert len(str(error)) < 300
    else:
        assert name and url


@given(TEXT, TEXT)
def test_any_two_texts_are_a_wish_or_refused(name: str, url: str) -> None:
    try:
        assert wanted(json.dumps({"model_name": name, "url": url}).encode()) == (name, url)
    except BadRequestError as error:
        assert "model_name" in str(error) or "url" in str(error)


@given(TEXT | PATHS.map("/".join) | PATHS.map(lambda words: "/opt/ml/models/" + "/".join(words)))
def test_no_url_leads_out_of_the_models_folder(url: str) -> None:
    try:
        found = located(url, Path("/opt/ml/models"))
    except (BadRequestError, UnicodeEncodeError):
        return
    assert found.is_relative_to("/opt/ml/models") and found != Path("/opt/ml/models")


@settings(max_examples=200)
@given(method=METHODS, words=PATHS, token=TEXT, limit=TEXT | st.integers().map(str))
def test_any_path_and_query_gets_an_answer(
    tmp_path_factory: pytest.TempPathFactory, method: str, words: list[str], token: str, limit: str
) -> None:
    query = {"next_page_token": token, "limit": limit}
    path = "/".join(["", "models", *words])
    asked = Request({}, query, 2, cast(Any, Body(b"{}")))
    answer = api(Path("/opt/ml/models")).answer(method, path, query, asked)
    assert answer.status in (200, 400, 404, 405)
    assert isinstance(json.loads(answer.body), dict)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_pages_together_are_the_list(size: int, tmp_path: Path) -> None:
    names, token = [], ""
    while True:
        query = {"limit": str(size), "next_page_token": token}
        asked = Request({}, query, 0, cast(Any, Body(b"")))
        page = json.loads(api(tmp_path).answer("GET", "/models", query, asked).body)
        names += [one["modelName"] for one in page["models"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == [f"m{number}" for number in range(1, 8)]
