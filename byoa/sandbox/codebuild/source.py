"""A build's source: an archive or a folder in S3, or none; unpacked so that nothing leaves it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa import archive
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage

ARN = "arn:aws:s3:::"


class SourceError(Exception):
    """Why there is no source: CodeBuild's code for it, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def fetch(source: Mapping[str, Any], storage: Storage, folder: Path) -> None:
    """Puts the source into an empty folder."""
    folder.mkdir(parents=True)
    if source["type"] == "NO_SOURCE":
        return
    if source["type"] != "S3":
        raise SourceError(
            "INVALID_INPUT", f"a source in {source['type']} is not carried out in the sandbox"
        )
    location = source.get("location", "").removeprefix(ARN).strip("/ ")
    if source.get("location", "").endswith("/"):
        location += "/"
    try:
        files = storage.download(f"s3://{location}", folder)
        if location.endswith("/"):
            return
        packed = folder.parent / "source.zip"
        shutil.move(files[0], packed)
        archive.unpack(packed, folder)
        packed.unlink()
    except (ByoaError, OSError, IndexError) as error:
        raise SourceError("CLIENT_ERROR", f"{error} for primary source at {location}") from error


def buildspec_text(source: Mapping[str, Any], storage: Storage, folder: Path) -> str:
    """The buildspec: its text in the request, in the source, or in S3."""
    said = source.get("buildspec") or "buildspec.yml"
    if "\n" in said or said.lstrip().startswith(("{", "version")):
        return str(said)
    try:
        if said.startswith(ARN):
            return storage.read(f"s3://{said.removeprefix(ARN)}").decode()
        path = (folder / said).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise SourceError("YAML_FILE_ERROR", f"{said} is outside of the source")
        return path.read_text()
    except (OSError, ByoaError, UnicodeDecodeError) as error:
        raise SourceError("YAML_FILE_ERROR", f"stat {said}: {error}") from error
