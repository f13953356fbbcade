"""ECR's API where moto's would lie: addresses, passwords, and the images that were really pushed.

Repositories, their policies, tags and settings stay moto's.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox import answers
from byoa.sandbox.ecr_images import (
    batch_delete_image,
    batch_get_image,
    describe_images,
    list_images,
    put_image,
    repository_of,
)
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.registry import passwords
from byoa.sandbox.registry.errors import RegistryError
from byoa.sandbox.registry_door import layer_url
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call


def ecr(sandbox: Sandbox, call: Call) -> Response:
    """What OPERATIONS holds is answered here; moto's answers get this registry's address."""
    act = OPERATIONS.get(call.operation)
    if act is not None:
        return answers.answer(call, act(sandbox, call))
    if call.operation == "DeleteRepository":
        return delete_repository(sandbox, call)
    return with_our_address(sandbox, call, sandbox.ask_moto(call))


def with_our_address(sandbox: Sandbox, call: Call, response: Response) -> Response:
    """repositoryUri is where docker finds the repository: here."""
    theirs = f"{ACCOUNT}.dkr.ecr.{call.region}.amazonaws.com/".encode()
    response.data = response.data.replace(theirs, f"{sandbox.state.registry}/".encode())
    return response


def get_authorization_token(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    expires = int(time.time()) + passwords.HOURS * 3600
    password = passwords.make(sandbox.state.token, expires)
    data = {
        "authorizationToken": base64.b64encode(f"{passwords.USER}:{password}".encode()).decode(),
        "expiresAt": datetime.datetime.fromtimestamp(expires, datetime.timezone.utc),
        "proxyEndpoint": sandbox.state.url,
    }
    return {"authorizationData": [data]}


def get_download_url_for_layer(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    """Where the blob can be had without a password."""
    repository, digest = repository_of(sandbox, call), call.parameters["layerDigest"]
    try:
        repository.need_blob(digest)
    except RegistryError as error:
        raise ServiceError("LayersNotFoundException", str(error), call.operation) from None
    url = layer_url(sandbox, repository.name, digest, time.time())
    return {"downloadUrl": url, "layerDigest": digest}


def batch_check_layer_availability(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    repository = repository_of(sandbox, call)
    layers, failures = [], []
    for digest in call.parameters.get("layerDigests", []):
        if repository.has_blob(digest):
            size = repository.blobs.size(digest)
            layers.append(
                {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size}
            )
        else:
            reason = {"failureCode": "MissingLayerDigest", "failureReason": "Layer not found"}
            failures.append({"layerDigest": digest, **reason})
    return {"layers": layers, "failures": failures}


def delete_repository(sandbox: Sandbox, call: Call) -> Response:
    """Refused while it holds images, unless forced; then they go too."""
    repository = repository_of(sandbox, call)
    if not call.parameters.get("force") and any(True for _ in repository.images()):
        raise ServiceError(
            "RepositoryNotEmptyException",
            f"The repository with name '{repository.name}' in registry with id '{ACCOUNT}' "
            "cannot be deleted because it still contains images",
            call.operation,
        )
    response = sandbox.ask_moto(call)
    if response.status_code == 200:
        repository.clear()
    return with_our_address(sandbox, call, response)


def refused(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    """Moto would answer, of images that it knows nothing about."""
    raise ServiceError(
        "UnknownOperationException",
        f"ecr {call.operation} is not implemented in the sandbox: push with docker",
        call.operation,
    )


OPERATIONS: dict[str, Callable[[Sandbox, Call], dict[str, Any]]] = {
    "GetAuthorizationToken": get_authorization_token,
    "DescribeImages": describe_images,
    "ListImages": list_images,
    "BatchGetImage": batch_get_image,
    "BatchDeleteImage": batch_delete_image,
    "PutImage": put_image,
    "GetDownloadUrlForLayer": get_download_url_for_layer,
    "BatchCheckLayerAvailability": batch_check_layer_availability,
    **dict.fromkeys(
        (
            "InitiateLayerUpload",
            "UploadLayerPart",
            "CompleteLayerUpload",
            "DescribeImageScanFindings",
            "StartImageScan",
            "StartLifecyclePolicyPreview",
            "DescribeImageReplicationStatus",
        ),
        refused,
    ),
}
