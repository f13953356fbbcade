"""What a build leaves in S3: the files that the buildspec names, as they are or as one zip."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from byoa.plan.storage import Storage


class ArtifactsError(Exception):
    """Nothing to upload where something was promised."""


def upload(
    spec: Mapping[str, Any], project: Mapping[str, Any], build: str, folder: Path, storage: Storage
) -> dict[str, Any] | None:
    """Uploads to the project's artifacts location; what the build's record says of it."""
    if project.get("type") != "S3" or not spec.get("files"):
        return None
    base = (folder / str(spec.get("base-directory") or ".")).resolve()
    flat = str(spec.get("discard-paths", "no")).lower() in {"yes", "true"}
    files = {name(path, base, flat): path for path in matching(spec["files"], base)}
    if not files:
        raise ArtifactsError("no matching artifact paths found")
    target = location(project, build)
    if project.get("packaging") == "ZIP":
        packed = folder.parent / "artifacts.zip"
        pack(files, packed)
        storage.upload(packed, target)
        digest = hashlib.sha256(packed.read_bytes()).hexdigest()
        return {"location": target.replace("s3://", "arn:aws:s3:::"), "sha256sum": digest}
    for key, path in files.items():
        storage.upload(path, f"{target}/{key}")
    return {"location": target.replace("s3://", "arn:aws:s3:::")}


def matching(patterns: Any, base: Path) -> Iterator[Path]:
    """Files below the base folder, never one that a link leads out of it."""
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        wanted = str(pattern).removeprefix("./")
        if PurePosixPath(wanted).is_absolute():
            raise ArtifactsError(f"{wanted} is not below the base directory")
        everything = wanted if not wanted.endswith("**") else f"{wanted}/*"
        for path in sorted(base.glob(everything)):
            if path.is_file() and path.resolve().is_relative_to(base):
                yield path


def name(path: Path, base: Path, flat: bool) -> str:
    return path.name if flat else path.relative_to(base).as_posix()


def location(project: Mapping[str, Any], build: str) -> str:
    """bucket/path/BUILD_ID/name, each part where the project asks for it."""
    parts = [
        project["location"],
        project.get("path", "").strip("/"),
        build if project.get("namespaceType") == "BUILD_ID" else "",
        project.get("name", "").strip("/"),
    ]
    return "s3://" + "/".join(part for part in parts if part)


def pack(files: Mapping[str, Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in sorted(files):
            archive.write(files[key], key)
