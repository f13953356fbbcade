"""Blobs on disk by their digest, written once, streamed in and out, never whole in memory."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from byoa.sandbox.registry import names
from byoa.sandbox.registry.errors import RegistryError

CHUNK = 1024 * 1024


class Blobs:
    """blobs/sha256/HEX for what is complete; uploads/ID for what is on its way.

    Which repository may read a blob is kept beside the repository: the same layer lies here once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "blobs" / "sha256"
        self.uploads = folder / "uploads"

    def path(self, digest: str) -> Path:
        return self.folder / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def size(self, digest: str) -> int:
        return self.path(digest).stat().st_size

    def put(self, data: bytes) -> str:
        """A small blob (a manifest) at once; its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        upload = self.start()
        self.upload_path(upload).write_bytes(data)
        self.finish(upload, digest)
        return digest

    def start(self) -> str:
        """A new upload's id."""
        upload = names.new_upload()
        self.uploads.mkdir(parents=True, exist_ok=True)
        (self.uploads / upload).touch()
        return upload

    def upload_path(self, upload: str) -> Path:
        path = self.uploads / upload
        if not names.is_upload(upload) or not path.is_file():
            raise RegistryError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", 404)
        return path

    def append(self, upload: str, stream: BinaryIO, start: int | None = None) -> int:
        """Adds what the stream holds; the upload's size. A gap or an overlap is refused (416)."""
        path = self.upload_path(upload)
        at = path.stat().st_size
        if start is not None and start != at:
            raise RegistryError("BLOB_UPLOAD_INVALID", f"the next byte is {at}, not {start}", 416)
        with path.open("ab") as file:
            shutil.copyfileobj(stream, file, CHUNK)
        return path.stat().st_size

    def finish(self, upload: str, digest: str) -> None:
        """The upload becomes the blob, if it is what its digest says."""
        path = self.upload_path(upload)
        if digest_of(path) != digest:
            path.unlink()
            raise RegistryError(
                "DIGEST_INVALID", "provided digest did not match uploaded content", 400
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        os.replace(path, self.path(digest))

    def cancel(self, upload: str) -> None:
        self.upload_path(upload).unlink(missing_ok=True)

    def read(self, digest: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) in pieces."""
        with self.path(digest).open("rb") as file:
            file.seek(start)
            left = (self.size(digest) if end is None else end) - start
            while left > 0 and (piece := file.read(min(CHUNK, left))):
                left -= len(piece)
                yield piece


def digest_of(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            sha.update(piece)
    return f"sha256:{sha.hexdigest()}"
