"""One repository on disk: which blobs it may read, its manifests, its tags.

REPOSITORIES/NAME/_blobs/HEX        empty: the blob belongs to it
                  _manifests/HEX    {"media_type": …, "pushed": seconds}
                  _tags             {TAG: digest}: names that differ in case are two, on any disk

A repository's name never has a part that starts with "_", so names may nest.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from byoa.sandbox.registry import manifests, names
from byoa.sandbox.registry.blobs import Blobs
from byoa.sandbox.registry.errors import RegistryError, immutable, unknown_blob, unknown_manifest
from byoa.sandbox.registry.manifests import Manifest

#: Tags and manifests change under one lock: a tag never names what is being deleted.
LOCK = threading.RLock()


@dataclass(frozen=True)
class Image:
    """One manifest in a repository: its digest, tags and when it came."""

    digest: str
    manifest: Manifest
    tags: tuple[str, ...]
    pushed: float


class Repository:
    """The images of one repository; it is there as soon as something is pushed to it."""

    def __init__(self, folder: Path, name: str) -> None:
        if not names.is_name(name):
            raise RegistryError("NAME_INVALID", f"invalid repository name {name!r}", 400)
        self.name = name
        self.blobs = Blobs(folder)
        self.folder = folder / "repositories" / name

    def link(self, digest: str) -> None:
        """The repository may read this blob from now on."""
        write(self.folder / "_blobs" / digest.removeprefix("sha256:"), b"")

    def has_blob(self, digest: str) -> bool:
        linked = self.folder / "_blobs" / digest.removeprefix("sha256:")
        return linked.is_file() and self.blobs.has(digest)

    def need_blob(self, digest: str) -> str:
        if not names.is_digest(digest):
            raise RegistryError("DIGEST_INVALID", f"{digest!r} is not a sha256 digest", 400)
        if not self.has_blob(digest):
            raise unknown_blob(digest)
        return digest

    def push(
        self, data: bytes, content_type: str, reference: str, fixed: Callable[[str], bool]
    ) -> str:
        """Stores a manifest under its digest and, if that is what was said, a tag; its digest."""
        manifest = manifests.parse(data, content_type)
        by_tag = not names.is_digest(reference)
        if by_tag and not names.is_tag(reference):
            raise RegistryError("TAG_INVALID", f"{reference!r} is not a tag", 400)
        with LOCK:
            for digest in manifest.blobs:
                self.need_blob(digest)
            for digest in manifest.manifests:
                self.image(digest)
            digest = self.blobs.put(data)
            if not by_tag and digest != reference:
                raise RegistryError("DIGEST_INVALID", f"the manifest is {digest}", 400)
            old = self.tags().get(reference)
            if by_tag and old is not None and fixed(reference):
                raise immutable(self.name, reference)
            self.record(digest, manifest)
            if by_tag:
                self.write_tags({**self.tags(), reference: digest})
        return digest

    def record(self, digest: str, manifest: Manifest) -> None:
        path = self.folder / "_manifests" / digest.removeprefix("sha256:")
        if not path.exists():
            about = {"media_type": manifest.media_type, "pushed": time.time()}
            write(path, json.dumps(about).encode())

    def tags(self) -> dict[str, str]:
        """Every tag and the digest it stands for, by name."""
        path = self.folder / "_tags"
        return dict(json.loads(path.read_bytes())) if path.is_file() else {}

    def write_tags(self, tags: dict[str, str]) -> None:
        write(self.folder / "_tags", json.dumps(tags, sort_keys=True).encode())

    def image(self, reference: str) -> Image:
        """The image of a tag or digest."""
        with LOCK:
            tags = self.tags()
            digest = reference if names.is_digest(reference) else tags.get(reference, "")
            path = self.folder / "_manifests" / digest.removeprefix("sha256:")
            if not digest or not path.is_file():
                raise unknown_manifest(reference)
            about = json.loads(path.read_bytes())
            data = self.blobs.path(digest).read_bytes()
        manifest = manifests.parse(data, about["media_type"])
        own = tuple(tag for tag, tagged in tags.items() if tagged == digest)
        return Image(digest, manifest, own, about["pushed"])

    def images(self) -> Iterator[Image]:
        """Every image, the oldest push first."""
        folder = self.folder / "_manifests"
        files = list(folder.glob("[0-9a-f]*")) if folder.is_dir() else []
        found = [self.image(f"sha256:{path.name}") for path in files]
        yield from sorted(found, key=lambda image: (image.pushed, image.digest))

    def delete_tag(self, tag: str) -> None:
        """Takes a tag away; the image goes with its last one, as in ECR."""
        with LOCK:
            image = self.image(tag)
            self.write_tags({name: to for name, to in self.tags().items() if name != tag})
            if image.tags == (tag,):
                self.delete_image(image.digest)

    def delete_image(self, digest: str) -> Image:
        """Takes an image away with all its tags. Blobs stay: other images may stand on them."""
        with LOCK:
            image = self.image(digest)
            self.write_tags({tag: to for tag, to in self.tags().items() if to != digest})
            (self.folder / "_manifests" / digest.removeprefix("sha256:")).unlink()
        return image

    def clear(self) -> None:
        """Forgets everything of this repository, nothing of those whose names continue its own."""
        with LOCK:
            (self.folder / "_tags").unlink(missing_ok=True)
            for part in ("_manifests", "_blobs"):
                shutil.rmtree(self.folder / part, ignore_errors=True)


def write(path: Path, data: bytes) -> None:
    """The whole file or none: a reader never sees a tag without its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"_{names.new_upload()}"
    temporary.write_bytes(data)
    os.replace(temporary, path)
