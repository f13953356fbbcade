"""The registry's requests and answers piece by piece: bodies, ranges, headers."""

from __future__ import annotations

import re
from typing import BinaryIO, cast

from werkzeug.wrappers import Request, Response

from byoa.sandbox.registry.errors import RegistryError
from byoa.sandbox.registry.repository import Repository

RANGE = re.compile(r"(?:bytes=)?(\d{1,15})-(\d{1,15})?", re.ASCII)


def under_way(repository: Repository, upload: str, size: int, status: int = 202) -> Response:
    """How much of an upload is here, and where the rest goes."""
    return Response(
        status=status,
        headers={
            "Location": f"/v2/{repository.name}/blobs/uploads/{upload}",
            "Docker-Upload-UUID": upload,
            "Range": f"0-{max(size - 1, 0)}",
        },
    )


def stream(request: Request) -> BinaryIO:
    """The body as it comes, chunked or of a length; nothing of it is kept."""
    request.max_content_length = None
    return cast(BinaryIO, request.stream)


def first_byte(request: Request) -> int | None:
    """Where a chunk says it starts, if it says so."""
    said = request.headers.get("Content-Range", "")
    found = RANGE.fullmatch(said)
    if said and not found:
        raise RegistryError("BLOB_UPLOAD_INVALID", f"Content-Range {said!r}", 416)
    return int(found[1]) if found else None


def created(
    repository: Repository, digest: str, kind: str = "blobs", reference: str = ""
) -> Response:
    headers = {
        "Location": f"/v2/{repository.name}/{kind}/{reference or digest}",
        "Docker-Content-Digest": digest,
    }
    return Response(status=201, headers=headers)


def blob_response(request: Request, repository: Repository, digest: str) -> Response:
    """The blob or the part of it that was asked for, piece by piece."""
    size = repository.blobs.size(digest)
    headers = {
        "Docker-Content-Digest": digest,
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
    }
    start, end, status = 0, size, 200
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    if asked:
        start, end, status = int(asked[1]), min(int(asked[2] or size - 1) + 1, size), 206
        if start >= end:
            raise RegistryError("RANGE_INVALID", f"the blob has {size} bytes", 416)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    content = repository.blobs.read(digest, start, end) if request.method == "GET" else None
    return Response(content, status, headers)


def unsupported(request: Request) -> RegistryError:
    return RegistryError("UNSUPPORTED", f"{request.method} is not supported here", 405)
