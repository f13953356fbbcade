"""What a training job leaves: model.tar.gz and output.tar.gz, or the files as they are."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa.local.channels import below
from byoa.local.job import JobError
from byoa.local.places import is_real
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage


def upload(
    storage: Storage, output: Mapping[str, Any], job: str, hosts: Sequence[Path], scratch: Path
) -> str:
    """Uploads model/ and output/data/ of all hosts; the model's address, "" when there is none.

    Hosts are merged: where two wrote one name, the first host's file is taken.
    """
    target = f"{output['S3OutputPath'].rstrip('/')}/{job}/output"
    plain = output.get("CompressionType") == "NONE"
    model = f"{target}/model/" if plain else f"{target}/model.tar.gz"
    data = f"{target}/output/" if plain else f"{target}/output.tar.gz"
    try:
        sent = _send(storage, _merged([host / "model" for host in hosts]), model, scratch)
        _send(storage, _merged([host / "output" / "data" for host in hosts]), data, scratch)
    except (ByoaError, OSError) as error:
        raise JobError(f"ClientError: Artifact upload failed: {error}") from error
    return model if sent else ""


def _send(storage: Storage, files: Mapping[str, Path], uri: str, scratch: Path) -> bool:
    if not files:
        return False
    if uri.endswith("/"):
        for name, path in files.items():
            if path.is_file():
                storage.upload(path, below(uri, name))
        return True
    archive = scratch / uri.rpartition("/")[2]
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name, path in files.items():
            tar.add(path, name, recursive=False)
    storage.upload(archive, uri)
    archive.unlink()
    return True


def _merged(folders: Sequence[Path]) -> dict[str, Path]:
    """Names, sorted, and the file or folder of the first host that has each."""
    found: dict[str, Path] = {}
    for folder in folders:
        for name, path in _walk(folder):
            found.setdefault(name, path)
    return dict(sorted(found.items()))


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.exists() and not is_real(folder):
        raise _is_link(folder.name)
    for parent, names, files in os.walk(folder):
        for name in (*names, *files):
            path = Path(parent) / name
            if path.is_symlink():
                raise _is_link(str(path.relative_to(folder.parent)))
            if path.is_file() or path.is_dir():  # no sockets or pipes
                yield path.relative_to(folder).as_posix(), path


def _is_link(name: str) -> JobError:
    return JobError(
        f"ClientError: Artifact upload failed: {name} is a symbolic link, which no endpoint"
        " unpacks. Write a file in its place."
    )
