"""/v2/…: docker's own requests, to the registry. No bucket can be called v2: it is too short."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from werkzeug.wrappers import Response

from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.registry.api import Fixed, Registry
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call


def registry(sandbox: Sandbox, call: Call) -> Response | None:
    path = call.request.path
    if path != "/v2" and not path.startswith("/v2/"):
        return None
    return registry_of(sandbox).respond(call.request)


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
