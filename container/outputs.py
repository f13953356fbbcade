"""The folders that a job leaves: made before it, opened to everyone after a local one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from container.errors import ConfigurationError
from container.root import Root


def prepare(root: Root) -> None:
    """Makes the folders that SageMaker would, and removes the failure of an earlier run here."""
    for folder in (root.model, root.output_data):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{folder} cannot be made: {error.strerror}."
                " Mount a writable folder there, or set SAGEMAKER_BASE_DIR."
            ) from None
    try:
        root.failure.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{root.failure} of an earlier run cannot be removed: {error.strerror}. Remove it."
        ) from None


def open_to_everyone(root: Root) -> None:
    """Lets whoever started a local container read and remove what its root user wrote.

    The SDK's local mode fails to clean up files that are root's (sagemaker-python-sdk#4764).
    """
    if os.geteuid() != 0:
        return
    for path in _below(root.model, root.output, root.checkpoints):
        try:
            mode = path.stat().st_mode
            path.chmod(mode | (0o777 if path.is_dir() or mode & 0o111 else 0o666))
        except OSError:
            continue  # a read-only mount, or a file that is gone


def _below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield folder
        for parent, names, files in os.walk(folder):
            paths = (Path(parent) / name for name in [*names, *files])
            yield from (path for path in paths if not path.is_symlink())
