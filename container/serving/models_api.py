"""SageMaker's API of a multi-model container: POST, GET and DELETE below /models.

A model's name is opaque: it is taken out of the path as it was sent, and is never part of a path
in the file system.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from container.serving.answers import Answer, error
from container.serving.broker import Broker
from container.serving.invocations import Invocations, Request
from container.serving.models import Models
from container.serving.models_one import Model
from container.serving.received import RefusedError
from container.serving.settings import MIB

MAX_BODY = MIB
LONGEST_NAME = 2048  # quoted; a longer one fits into no request line
PAGE, LARGEST_PAGE = 100, 1000


class BadRequestError(Exception):
    """The request cannot be meant."""


@dataclass(frozen=True, slots=True)
class NoModel(Invocations):
    """What stands where one model would: healthy with none, and never invoked."""

    models: Models | None = None

    @property
    def many(self) -> bool:
        return True

    @property
    def brokers(self) -> list[Broker]:
        assert self.models is not None
        return [model.broker for model in self.models.models.values()]

    def answer_at(self, path: str, request: Request) -> Answer:
        """The answer at a path that is plain enough for the short way."""
        assert self.models is not None
        if path == "/invocations":
            return self.answer(request)
        return ModelsApi(self.models).answer("POST", path, {}, request)

    def ping(self) -> Answer:
        """200 from the start: a multi-model container is ready without a model."""
        assert self.models is not None
        if self.models.draining:
            return error(503, "draining", "the server is shutting down", {"Retry-After": "1"})
        return Answer(200, b"", "text/plain; charset=utf-8")

    def answer(self, request: Request) -> Answer:
        """404: there is nothing at /invocations."""
        request.body.discard()
        text = "this endpoint has many models: POST to /models/NAME/invoke"
        return error(404, "multi_model", text)


@dataclass(frozen=True, slots=True)
class ModelsApi:
    """Answers what comes to /models."""

    models: Models

    def answer(self, method: str, raw_path: str, query: dict[str, str], request: Request) -> Answer:
        """The answer to one request; the path is still quoted."""
        _, _, *segments = raw_path.partition("?")[0].split("/")
        try:
            if not segments:
                return self._all(method, query, request)
            name = unquote_to_bytes(segments[0]).decode()
            if segments[1:] == ["invoke"]:
                return self._invoke(method, name, request)
            if not segments[1:]:
                return self._one(method, name)
        except UnicodeDecodeError:
            return error(404, "not_loaded", "there is no model of this name: it is not UTF-8")
        except RefusedError as refused:
            return refused.answer
        except BadRequestError as bad:
            return error(400, "bad_request", str(bad))
        return error(404, "not_found", f"{method} {raw_path[:200]}: there is nothing here")

    def _all(self, method: str, query: dict[str, str], request: Request) -> Answer:
        if method == "POST":
            name, url = wanted(bytes(request.body.read(MAX_BODY)))
            folder = located(url, self.models.settings.models_folder)
            if not _is_folder(folder):
                text = f"there is no folder {url}: extract the model there, then load it"
                return error(404, "no_folder", text)
            return self.models.load(name, url, folder)
        if method == "GET":
            return self._page(query)
        return _not_allowed(method, "/models", "GET, POST")

    def _page(self, query: dict[str, str]) -> Answer:
        after, size = _after(query.get("next_page_token", "")), _size(query.get("limit", ""))
        later = [model for model in self.models.listed() if model.number > after]
        body: dict[str, Any] = {"models": [describe(model) for model in later[:size]]}
        if len(later) > size:
            body["nextPageToken"] = _token(later[size - 1].number)
        return Answer(200, json.dumps(body).encode())

    def _one(self, method: str, name: str) -> Answer:
        if method not in ("GET", "DELETE"):
            return _not_allowed(method, "/models/NAME", "DELETE, GET")
        model = self.models.find(name)
        if model is None:
            return _not_loaded(name)
        if method == "DELETE":
            return self.models.unload(model)
        return Answer(200, json.dumps(describe(model)).encode())

    def _invoke(self, method: str, name: str, request: Request) -> Answer:
        if method != "POST":
            return _not_allowed(method, "/models/NAME/invoke", "POST")
        model = self.models.find(name)
        if model is None:
            request.body.discard()
            return _not_loaded(name)
        return self.models.invoke(model, request)


def describe(model: Model) -> dict[str, str]:
    """A model as SageMaker's API shows it."""
    return {"modelName": model.name, "modelUrl": model.url}


def wanted(body: bytes) -> tuple[str, str]:
    """A load request's name and url, or a BadRequestError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError('the body is not JSON: send {"model_name": …, "url": …}') from None
    if not isinstance(found, dict):
        raise BadRequestError('the body is no object: send {"model_name": …, "url": …}')
    values = []
    for key in ("model_name", "url"):
        value = found.get(key)
        if not isinstance(value, str) or not value:
            raise BadRequestError(f"{key} is {_shown(value)}: send a text that is not empty")
        try:
            quoted = quote(value, safe="")
        except UnicodeEncodeError:
            raise BadRequestError(f"{key} holds half a character: send Unicode") from None
        if len(quoted) > LONGEST_NAME:
            text = f"{key} has {len(quoted)} characters when quoted: at most {LONGEST_NAME}"
            raise BadRequestError(text)
        values.append(value)
    return values[0], values[1]


def located(url: str, models: Path) -> Path:
    """The folder of a url, below the models' folder: whoever asks, nothing else is read."""
    path = url.removeprefix("file://")
    if "\0" in path or not path.startswith("/"):
        raise BadRequestError(f"url is {_shown(url)}: send the absolute path of a folder")
    real, top = os.path.realpath(path), os.path.realpath(models)
    if not real.startswith(top + "/"):
        raise BadRequestError(f"url is {_shown(url)}, which is not below {models}")
    return Path(real)


def _after(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except ValueError:
        text = f"next_page_token is {_shown(token)}, which is none of ours: leave it out"
        raise BadRequestError(text) from None


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def _size(limit: str) -> int:
    if not limit:
        return PAGE
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and int(limit)):
        raise BadRequestError(f"limit is {_shown(limit)}: use 1 to {LARGEST_PAGE}")
    return min(int(limit), LARGEST_PAGE)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _not_loaded(name: str) -> Answer:
    return error(404, "not_loaded", f"the model {name[:200]!r} is not loaded: POST /models first")


def _not_allowed(method: str, path: str, allowed: str) -> Answer:
    text = f"{method} {path}: Method Not Allowed"
    return error(405, "method_not_allowed", text, {"Allow": allowed})


def _is_folder(path: Path) -> bool:
    """Whether it is one; of what we may not see the model's own process will tell."""
    try:
        return path.is_dir()
    except PermissionError:
        return True
    except OSError:  # a name too long
        return False
