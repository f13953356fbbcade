"""What ECR knows of an image: its manifest, and its configuration's architecture and labels."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING

from byoa.plan.ecr import parse_image
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.plan.image import ImageFacts

if TYPE_CHECKING:
    from byoa.aws.session import Session

DOCKER, OCI = "application/vnd.docker.distribution.manifest", "application/vnd.oci.image"
MEDIA_TYPES = [f"{DOCKER}.v2+json", f"{DOCKER}.list.v2+json"]
MEDIA_TYPES += [f"{OCI}.manifest.v1+json", f"{OCI}.index.v1+json"]


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:  # ECR's own presigned address
        return bytes(answer.read(8 << 20))


def image_facts(session: Session, uri: str, fetch: Callable[[str], bytes] = fetch) -> ImageFacts:
    """Digest, media type, architecture, labels, compressed size; an index names its platforms."""
    where = parse_image(uri)
    if not where.account and not session.endpoint:
        raise UsageError(f"{uri} is not in ECR. `byoa build --push` puts an image there.")
    if where.region and where.region != session.region:
        raise ByoaError(
            f"{uri} is in {where.region}, and this project runs in {session.region}. Push it there"
            f" with `byoa build --push --region {session.region}`, or say --region {where.region}."
        )
    ecr = session.client("ecr")
    owner = {"registryId": where.account} if where.account else {}
    wanted = {"imageDigest": where.digest} if where.digest else {"imageTag": where.tag or "latest"}
    found = ecr.batch_get_image(
        repositoryName=where.repository, imageIds=[wanted], acceptedMediaTypes=MEDIA_TYPES, **owner
    )
    if not found["images"]:
        raise NotFoundError(
            f"ECR has no image {uri}. Look at its tag; `byoa build --push` makes it."
        )
    image = found["images"][0]
    manifest = json.loads(image["imageManifest"])
    media_type = image.get("imageManifestMediaType") or manifest.get("mediaType", "")
    known = {"uri": uri, "digest": image["imageId"]["imageDigest"], "media_type": media_type}
    if "manifests" in manifest:  # attestations of the build stand as unknown/unknown
        named = [entry.get("platform", {}) for entry in manifest["manifests"]]
        kinds = [f"{one.get('os', '?')}/{one.get('architecture', '?')}" for one in named]
        return ImageFacts(**known, architecture=", ".join(kinds))
    digest = manifest["config"]["digest"]
    words = {"repositoryName": where.repository, "layerDigest": digest, **owner}
    data = fetch(ecr.get_download_url_for_layer(**words)["downloadUrl"])
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise ByoaError(f"{uri}: what came back is not {digest}. Try again, or push it anew.")
    config = json.loads(data)
    return ImageFacts(
        **known,
        architecture=str(config.get("architecture", "")),
        labels=dict((config.get("config") or {}).get("Labels") or {}),
        size_bytes=sum(part["size"] for part in (manifest["config"], *manifest["layers"])),
    )
