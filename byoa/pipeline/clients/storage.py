"""Where products are kept beside the working folder: S3, or a folder, by their names.

A product `out/data.csv` lies at PARENT/out/data.csv, as Ploomber lays it out:
https://docs.ploomber.io/en/latest/user-guide/file_clients.html
"""

from __future__ import annotations

import json
import os
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from byoa import files
from byoa.pipeline.clients.base import project_root
from byoa.pipeline.store import folder_beside
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.storage import Storage

StrPath = str | os.PathLike[str]


class AbstractStorageClient(ABC):
    """Files and folders to a store and back, by their names below the project's root."""

    _path_to_project_root: Path

    @property
    @abstractmethod
    def parent(self) -> str:
        """Where in the store everything lies."""

    @abstractmethod
    def _storage(self) -> Storage: ...

    @abstractmethod
    def _uri(self, relative: str) -> str: ...

    def _remote_path(self, local: StrPath) -> str:
        """A local path's name in the store."""
        path = Path.cwd() / local
        for one in (path, path.parent.resolve() / path.name):  # the second without links and ".."
            if one.is_relative_to(self._path_to_project_root) and ".." not in one.parts:
                return one.relative_to(self._path_to_project_root).as_posix()
        raise UsageError(
            f"{self!r} cannot keep {path}: it is not below {self._path_to_project_root}. Write "
            "products below the project's folder, or pass path_to_project_root."
        )

    def _remote_exists(self, local: StrPath) -> bool:
        uri = self._uri(self._remote_path(local))
        return next(iter(self._storage().objects(uri)), None) is not None

    def upload(self, local: StrPath) -> None:
        """Sends a file, or a folder that then holds just that; what is there is not sent again."""
        path, storage = Path(local), self._storage()
        uri = self._uri(self._remote_path(path))
        if path.is_dir():
            storage.delete(uri)  # it may have been a file
            storage.sync(path, uri, delete=True)
        elif not unchanged(path, uri, storage):
            storage.delete(uri + "/")
            storage.upload(path, uri)

    def download(self, local: StrPath, destination: StrPath | None = None) -> None:
        """Brings what was sent from `local` there, or elsewhere, whole or not at all."""
        storage, to = self._storage(), Path(destination or local)
        uri = self._uri(self._remote_path(local))
        folder = next(iter(storage.objects(uri + "/")), None) is not None
        with folder_beside(to) as beside:
            new = beside / "new"
            try:
                found = storage.download(uri + "/" * folder, new)
            except NotFoundError as error:
                raise NotFoundError(f"{self!r} has no {os.fspath(local)}.") from error
            if to.is_dir() and not to.is_symlink():
                os.replace(to, beside / "old")
            os.replace(new if folder else found[0], to)

    def close(self) -> None:
        """Nothing is open."""
        return


def unchanged(path: Path, uri: str, storage: Storage) -> bool:
    """Whether the store holds the file's very bytes."""
    size = path.stat().st_size
    for one in storage.objects(uri):
        return one.name == path.name and one.size == size and one.etag == files.etag(path, size)
    return False


class LocalStorageClient(AbstractStorageClient):
    """A folder as a store: another disk, a share."""

    def __init__(
        self, path_to_backup_dir: StrPath, path_to_project_root: StrPath | None = None
    ) -> None:
        self._path_to_project_root = project_root(path_to_project_root, type(self).__name__)
        self._path_to_backup_dir = Path(path_to_backup_dir)

    @property
    def parent(self) -> str:
        return str(self._path_to_backup_dir)

    def _folder(self) -> Path:
        return Path(self._path_to_project_root, self._path_to_backup_dir).resolve()

    def _storage(self) -> Storage:
        from byoa.local.folder_storage import FolderStorage

        return FolderStorage(self._folder())

    def _uri(self, relative: str) -> str:
        from byoa.local.folder_storage import address

        return address(self._folder() / relative)

    def __repr__(self) -> str:
        return f"LocalStorageClient({self.parent!r})"


class S3Client(AbstractStorageClient):
    """A bucket as a store; **kwargs are boto3's: region_name, endpoint_url …

    Credentials are boto3's to find: a role, a profile, the environment.
    """

    def __init__(
        self,
        bucket_name: str,
        parent: str,
        json_credentials_path: StrPath | None = None,
        path_to_project_root: StrPath | None = None,
        credentials_relative_to_project_root: bool = True,
        **kwargs: Any,
    ) -> None:
        self._path_to_project_root = project_root(path_to_project_root, type(self).__name__)
        self._bucket_name, self._parent = bucket_name, str(parent)
        self._client_kwargs, self._client = kwargs, None
        self._credentials: Path | None = None
        if json_credentials_path:
            relative = credentials_relative_to_project_root
            self._credentials = Path(
                self._path_to_project_root if relative else "", json_credentials_path
            )

    @property
    def parent(self) -> str:
        return self._parent

    @property
    def client(self) -> Any:
        """boto3's client, made when it is first used."""
        if self._client is None:
            import boto3

            keys = credentials(self._credentials) if self._credentials else {}
            self._client = boto3.client("s3", **{**keys, **self._client_kwargs})
        return self._client

    def _storage(self) -> Storage:
        from byoa.aws.storage import S3Storage

        return S3Storage(self.client, f"s3://{self._bucket_name}")

    def _uri(self, relative: str) -> str:
        whole = "/".join(part for part in (self._parent.strip("/"), relative) if part)
        return f"s3://{self._bucket_name}/{whole}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}

    def __repr__(self) -> str:
        return f"S3Client(bucket_name={self._bucket_name!r}, parent={self._parent!r})"


def credentials(path: Path) -> dict[str, str]:
    """Keys from a file, as Ploomber has them. They do not belong in a project: it says so."""
    try:
        held = json.loads(path.read_bytes())
        keys = {name: str(held[name]) for name in ("aws_access_key_id", "aws_secret_access_key")}
    except FileNotFoundError:
        raise UsageError(
            f"S3Client: there is no {path}. Leave json_credentials_path out: roles, profiles and"
            " the environment are used as they are found."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"S3Client: {path} is no JSON object with aws_access_key_id and aws_secret_access_key."
        ) from error
    warnings.warn(
        f"S3Client takes keys from {path.name}. Use a role or a profile instead: a file in the"
        " project can end up in git or in an image.",
        stacklevel=4,
    )
    return keys
