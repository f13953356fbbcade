"""The input of a job: which objects each host gets of a channel, and their way here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from byoa.local.job import JobError
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Progress, Storage

Source = Mapping[str, Any]


def below(uri: str, name: str) -> str:
    """The address of a name below another address; only file:// is percent-encoded."""
    return f"{uri.rstrip('/')}/{quote(name) if uri.startswith('file:') else name}"


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a channel one host gets: the rank-th of so many."""

    rank: int = 0
    hosts: int = 1


def fetch(
    storage: Storage,
    source: Source,
    folder: Path,
    part: Part = Part(),
    progress: Progress | None = None,
) -> None:
    """Brings what one host gets of an S3DataSource into a folder, as a copy of its own.

    `progress` is called now and then, and may raise to end it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    uri = source["S3Uri"]
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key" and part.hosts > 1
    try:
        if source.get("S3DataType") == "ManifestFile":
            objects = manifest(uri, storage.read(uri))
        elif sharded:
            objects = [(one.name, below(uri, one.name)) for one in storage.objects(uri)]
        else:
            _must_hold(storage.download(uri, folder, progress), uri)
            return
        _must_hold(objects, uri)
        for name, address in shard(objects, part) if sharded else objects:
            storage.download(address, (folder / name).parent, progress)
    except (ByoaError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise JobError(f"ClientError: Data download failed: {error}") from error


def shard(objects: Sequence[tuple[str, str]], part: Part) -> list[tuple[str, str]]:
    """Every n-th object by key: each belongs to one host, none is lost."""
    return sorted(objects)[part.rank :: part.hosts]


def _must_hold(found: Sequence[Any], uri: str) -> None:
    if not found:
        raise JobError(
            "ClientError: Data download failed: No S3 objects found under S3 URL"
            f' "{uri}" given in input data source. Look whether it is written as it should be,'
            " and whether something was put there."
        )


def manifest(uri: str, content: bytes) -> list[tuple[str, str]]:
    """A ManifestFile, [{"prefix": "s3://…"}, "key", …], as (name, address) of each object."""
    try:
        prefix, *names = json.loads(content)
        start = prefix["prefix"]
        found = [(str(name), start + quote_for(start, str(name))) for name in names]
    except (ValueError, TypeError, KeyError):
        raise JobError(
            f"ClientError: Data download failed: {uri} is no manifest. Write"
            ' [{"prefix": "s3://bucket/folder/"}, "file1", "file2"].'
        ) from None
    for name, _ in found:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise JobError(
                f"ClientError: Data download failed: {uri} names {name!r}, which lies outside of"
                " its prefix. Take that line out."
            )
    return found


def quote_for(uri: str, name: str) -> str:
    return quote(name) if uri.startswith("file:") else name
