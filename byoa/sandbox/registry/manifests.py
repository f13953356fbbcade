"""What a manifest says: its kind, the blobs and manifests that it stands on, its size."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from byoa.sandbox.registry import names
from byoa.sandbox.registry.errors import RegistryError

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
LISTS = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
#: The specification asks registries to take at least this much; docker never sends more.
LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """One manifest as it was pushed, byte for byte, and what was read from it."""

    data: bytes
    media_type: str
    artifact_type: str  #: the media type of its configuration; "" for a list
    blobs: tuple[str, ...]  #: digests of configuration and layers
    manifests: tuple[str, ...]  #: digests of a list's members
    size: int  #: bytes of configuration and layers, compressed, as ECR counts


def parse(data: bytes, content_type: str) -> Manifest:
    """Reads and checks a manifest; MANIFEST_INVALID says what is wrong with it."""
    if len(data) > LARGEST:
        raise RegistryError("MANIFEST_INVALID", f"a manifest of {len(data)} bytes", 413)
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("schemaVersion") != 2:
            raise ValueError("schemaVersion is not 2")
        media_type = kind_of(document, content_type)
        if media_type in LISTS:
            members = tuple(descriptor(item)[0] for item in document.get("manifests", []))
            return Manifest(data, media_type, "", (), members, 0)
        parts = [document["config"], *document.get("layers", [])]
        described = [descriptor(part) for part in parts]
        return Manifest(
            data,
            media_type,
            str(document["config"].get("mediaType", "")),
            tuple(digest for digest, _ in described),
            (),
            sum(size for _, size in described),
        )
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise RegistryError("MANIFEST_INVALID", f"manifest invalid: {error}", 400) from None


def kind_of(document: dict[str, Any], content_type: str) -> str:
    """The manifest's media type: said inside, beside, or (OCI 1.0) told by its members."""
    inside, beside = document.get("mediaType"), content_type.partition(";")[0].strip()
    if inside and beside.startswith("application/vnd.") and inside != beside:
        raise ValueError(f"it calls itself {inside}, its Content-Type is {beside}")
    kind = inside or beside
    if kind not in {DOCKER, OCI, *LISTS}:
        raise ValueError(f"media type {kind!r} is not supported")
    return str(kind)


def descriptor(part: dict[str, Any]) -> tuple[str, int]:
    """Digest and size of a part."""
    digest, size = part["digest"], part["size"]
    if not isinstance(digest, str) or not names.is_digest(digest):
        raise ValueError(f"{digest!r} is not a sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"{size!r} is not a size")
    return digest, size


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
