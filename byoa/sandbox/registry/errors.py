"""The registry's errors, in the codes of the distribution specification and ECR's words."""

from __future__ import annotations

import json

from werkzeug.wrappers import Response


class RegistryError(Exception):
    """What docker prints: a code of the specification, a sentence, an HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def response(self) -> Response:
        body = {"errors": [{"code": self.code, "message": str(self)}]}
        return Response(json.dumps(body), self.status, content_type="application/json")


def unknown_repository(name: str, account: str) -> RegistryError:
    return RegistryError(
        "NAME_UNKNOWN",
        f"The repository with name '{name}' does not exist in the registry with id '{account}'",
        404,
    )


def unknown_blob(digest: str) -> RegistryError:
    return RegistryError("BLOB_UNKNOWN", f"blob unknown to registry: {digest}", 404)


def unknown_manifest(reference: str) -> RegistryError:
    return RegistryError("MANIFEST_UNKNOWN", f"Requested image not found: {reference}", 404)


def immutable(name: str, tag: str) -> RegistryError:
    return RegistryError(
        "TAG_INVALID",
        f"The image tag '{tag}' already exists in the '{name}' repository and cannot be "
        "overwritten because the tag is immutable.",
        400,
    )
