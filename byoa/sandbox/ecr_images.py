"""ECR's API on images: exactly those that were pushed to the registry, byte for byte."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.events import images
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.registry import manifests
from byoa.sandbox.registry.errors import RegistryError
from byoa.sandbox.registry.repository import Image, Repository
from byoa.sandbox.registry_door import registry_of
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call


def repository_of(sandbox: Sandbox, call: Call) -> Repository:
    """The repository of the request, if it was created in this region."""
    from moto.backends import get_backend

    name = call.parameters.get("repositoryName", "")
    if name not in get_backend("ecr")[ACCOUNT][call.region].repositories:
        raise ServiceError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'",
            call.operation,
        )
    return Repository(registry_of(sandbox).folder, name)


def describe_images(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    repository = repository_of(sandbox, call)
    asked = call.parameters.get("imageIds")
    if asked:
        images = [wanted(repository, image_id, call) for image_id in asked]
    else:
        images = list(filtered(repository, call))
    details = [detail(repository, image) for image in images]
    return page(call, "imageDetails", details, whole=bool(asked))


def detail(repository: Repository, image: Image) -> dict[str, Any]:
    found = {
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageTags": list(image.tags) or None,
        "imageSizeInBytes": image.manifest.size,
        "imagePushedAt": datetime.datetime.fromtimestamp(image.pushed, datetime.timezone.utc),
        "imageManifestMediaType": image.manifest.media_type,
        "artifactMediaType": image.manifest.artifact_type or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def filtered(repository: Repository, call: Call) -> Iterator[Image]:
    """All images, or the tagged, or the untagged."""
    wanted_tags = (call.parameters.get("filter") or {}).get("tagStatus", "ANY")
    for image in repository.images():
        if wanted_tags == "ANY" or bool(image.tags) == (wanted_tags == "TAGGED"):
            yield image


def wanted(repository: Repository, image_id: dict[str, str], call: Call) -> Image:
    image = find(repository, image_id)
    if image is None:
        raise ServiceError(
            "ImageNotFoundException",
            f"The image with imageId {said(image_id)} does not exist within the repository with "
            f"name '{repository.name}' in the registry with id '{ACCOUNT}'",
            call.operation,
        )
    return image


def find(repository: Repository, image_id: dict[str, str]) -> Image | None:
    """The image of a tag or digest; given both, they must agree."""
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    try:
        image = repository.image(tag or digest or "")
    except RegistryError:
        return None
    return image if digest in {None, image.digest} else None


def said(image_id: dict[str, str]) -> str:
    names = (("imageDigest", "imageDigest"), ("imageTag", "imageTag"))
    inner = ", ".join(f"{label}:'{image_id.get(key, 'null')}'" for key, label in names)
    return f"{{{inner}}}"


def list_images(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    """One entry a tag, and one for an image that has none."""
    images = filtered(repository_of(sandbox, call), call)
    ids = [
        {"imageDigest": image.digest, **({"imageTag": tag} if tag else {})}
        for image in images
        for tag in image.tags or ("",)
    ]
    return page(call, "imageIds", ids, whole=False)


def page(call: Call, name: str, items: list[Any], whole: bool) -> dict[str, Any]:
    """One page; the token is the place of the next one."""
    if whole:
        return {name: items}
    token = call.parameters.get("nextToken") or "0"
    size = int(call.parameters.get("maxResults") or 100)
    if not token.isdigit():
        raise ServiceError("InvalidParameterException", f"Invalid nextToken {token!r}")
    end = int(token) + size
    more = {"nextToken": str(end)} if end < len(items) else {}
    return {name: items[int(token) : end], **more}


def batch_get_image(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    repository = repository_of(sandbox, call)
    images, failures = [], []
    for image_id in call.parameters.get("imageIds", []):
        image = find(repository, image_id)
        if image is None:
            failures.append(failure(image_id))
        else:
            images.append(described(repository, image, image_id.get("imageTag")))
    return {"images": images, "failures": failures}


def described(repository: Repository, image: Image, tag: str | None) -> dict[str, Any]:
    return {
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, **({"imageTag": tag} if tag else {})},
        "imageManifest": image.manifest.data.decode(),
        "imageManifestMediaType": image.manifest.media_type,
    }


def failure(image_id: dict[str, str]) -> dict[str, Any]:
    if not image_id.get("imageTag") and not image_id.get("imageDigest"):
        code, reason = (
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        )
    else:
        code, reason = "ImageNotFound", "Requested image not found"
    return {"imageId": image_id, "failureCode": code, "failureReason": reason}


def batch_delete_image(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    """A tag goes alone while the image has another; a digest takes the image with all its tags."""
    repository = repository_of(sandbox, call)
    gone, failures = [], []
    for image_id in call.parameters.get("imageIds", []):
        image = find(repository, image_id)
        if image is None:
            failures.append(failure(image_id))
        elif image_id.get("imageDigest"):
            repository.delete_image(image.digest)
            tags = image.tags or (None,)
            gone += [
                {"imageDigest": image.digest, **({"imageTag": tag} if tag else {})} for tag in tags
            ]
        else:
            repository.delete_tag(image_id["imageTag"])
            gone.append({"imageDigest": image.digest, "imageTag": image_id["imageTag"]})
    return {"imageIds": gone, "failures": failures}


def put_image(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    """A manifest by ECR's own API: another tag for an image, say."""
    repository, given = repository_of(sandbox, call), call.parameters
    data = given["imageManifest"].encode()
    kind = given.get("imageManifestMediaType", "")
    fixed = registry_of(sandbox).fixed_tags(repository.name)
    try:
        digest = manifests.digest_of(data)
        reference = given.get("imageTag") or given.get("imageDigest") or digest
        if given.get("imageDigest") not in {None, digest}:
            raise RegistryError("DIGEST_INVALID", f"the manifest is {digest}", 400)
        repository.push(data, kind, reference, fixed)
    except RegistryError as error:
        code = PUT_ERRORS.get(error.code, "InvalidParameterException")
        raise ServiceError(code, str(error), call.operation) from None
    images.send(repository.name, digest, given.get("imageTag", ""))
    image = repository.image(digest)
    return {"image": described(repository, image, given.get("imageTag"))}


PUT_ERRORS = {
    "TAG_INVALID": "ImageTagAlreadyExistsException",
    "BLOB_UNKNOWN": "LayersNotFoundException",
    "MANIFEST_UNKNOWN": "ReferencedImagesNotFoundException",
    "DIGEST_INVALID": "ImageDigestDoesNotMatchException",
}
