"""Ploomber's clients that we have not got: projects import them, so they end when they are made."""

from __future__ import annotations

from typing import Any

from byoa.plan.errors import UsageError


class GCloudStorageClient:
    """Not here: we go to S3 and folders."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise UsageError(
            "GCloudStorageClient is not here. Use S3Client or LocalStorageClient, or a class of "
            "your own with download(local, destination=None) and upload(local)."
        )


class RemoteShellClient:
    """Not here: Ploomber calls its own an experiment."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise UsageError(
            "RemoteShellClient is not here. Say `ssh HOST ...` in the shell task, or run the "
            "pipeline on AWS: byoa pipeline submit"
        )
