"""Connections that a pipeline's tasks and products use: databases, S3, a folder, the shell.

The classes are named and called as Ploomber's (https://docs.ploomber.io/en/latest/api/python_api.html),
so that a project's `clients.py` works as it is. Nothing is connected before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Where each class is; loaded when it is asked for.
CLASSES = {
    "Client": "base",
    "AbstractStorageClient": "storage",
    "DBAPIClient": "database",
    "GCloudStorageClient": "refused",
    "LocalStorageClient": "storage",
    "RemoteShellClient": "refused",
    "S3Client": "storage",
    "SQLAlchemyClient": "database",
    "ShellClient": "shell",
}
__all__ = [*CLASSES]  # noqa: PLE0604 - names are found by __getattr__


def __getattr__(name: str) -> Any:
    if name not in CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{CLASSES[name]}"), name)


def of_task(task: Any, order: Any) -> Any:
    """The client of a task, made once in this process; None where it needs none."""
    from byoa.pipeline import relations

    return relations.of_task(task, order)
