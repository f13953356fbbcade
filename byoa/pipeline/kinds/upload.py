"""A task that puts a file into a bucket; its product is the object's key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.pipeline.kinds.transfer import source_text
from byoa.pipeline.order import Order
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import Task


def run(task: Task, order: Order) -> None:
    """Sends the source to `bucket`, by boto3's own upload_file."""
    bucket, key = task.options.get("bucket"), str(order.product)
    path = Path(order.root, source_text(task, order))
    if not isinstance(bucket, str) or not bucket:
        raise TaskError(f"Task {task.name!r} has no bucket. Write bucket: NAME.")
    if not path.is_file():
        raise TaskError(f"Task {task.name!r}: there is no file {path} to upload.")
    import boto3

    client = boto3.client("s3", **words(task, "client_kwargs"))
    client.upload_file(str(path), bucket, key, ExtraArgs=words(task, "upload_file_kwargs"))
    print(f"{path.stat().st_size} bytes to s3://{bucket}/{key}", flush=True)


def words(task: Task, name: str) -> dict[str, Any]:
    said = task.options.get(name) or {}
    if not isinstance(said, Mapping):
        raise TaskError(f"{name} of {task.name} is {said!r}. Write KEY: VALUE.")
    return dict(said)
