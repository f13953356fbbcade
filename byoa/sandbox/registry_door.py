"""/v2/…: docker's own requests, to the registry. No bucket can be called v2: it is too short."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from pathlib import Path

from werkzeug.wrappers import Request, Response

from byoa.sandbox.events import images
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.registry import passwords
from byoa.sandbox.registry.api import Fixed, Registry
from byoa.sandbox.registry.errors import RegistryError
from byoa.sandbox.registry.messages import blob_response
from byoa.sandbox.registry.repository import Repository
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call

LAYERS = "/_byoa/layers/"


def registry(sandbox: Sandbox, call: Call) -> Response | None:
    path = call.request.path
    if path != "/v2" and not path.startswith("/v2/"):
        return None
    response = registry_of(sandbox).respond(call.request)
    images.pushed(call.request, response)
    return response


def layer_url(sandbox: Sandbox, name: str, digest: str, now: float) -> str:
    """An address of one blob that needs no password and is good for an hour."""
    seal = passwords.make(f"{sandbox.state.token} {name} {digest}", int(now) + 3600)
    return f"{sandbox.state.url}{LAYERS}{name}/{digest}?{seal}"


def layer(sandbox: Sandbox, request: Request) -> Response:
    """What get_download_url_for_layer's address gives."""
    name, _, digest = request.path.removeprefix(LAYERS).rpartition("/")
    secret = f"{sandbox.state.token} {name} {digest}"
    if not passwords.is_good(secret, request.query_string.decode("ascii", "replace"), time.time()):
        return Response("Request has expired or is not ours\n", 403)
    try:
        repository = Repository(registry_of(sandbox).folder, name)
        return blob_response(request, repository, repository.need_blob(digest))
    except RegistryError as error:
        return error.response()


def registry_of(sandbox: Sandbox) -> Registry:
    folder = Path(sandbox.state.folder) / "registry"
    return Registry(folder, sandbox.state.token, ACCOUNT, fixed_tags)


def fixed_tags(name: str) -> Fixed | None:
    """Asks moto's ECR, in whichever region the repository was made: there is one registry."""
    from moto.backends import get_backend

    for backend in list(get_backend("ecr")[ACCOUNT].values()):
        repository = backend.repositories.get(name)
        if repository is not None:
            return immutability(
                repository.image_tag_mutability,
                [
                    item["filter"]
                    for item in repository.image_tag_mutability_exclusion_filters or ()
                ],
            )
    return None


def immutability(kind: str, exclusions: list[str]) -> Fixed:
    """MUTABLE, IMMUTABLE, and either WITH_EXCLUSION of tags that match a wildcard."""
    fixed = kind.startswith("IMMUTABLE")
    return lambda tag: fixed != any(fnmatchcase(tag, each) for each in exclusions)
