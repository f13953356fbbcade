"""Whether a job's image is here, before anything else is done."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from byoa.local.container import PROCESS
from byoa.local.docker import DockerError, docker, inspect
from byoa.local.harness import algorithm_of, harness
from byoa.local.job import JobError
from byoa.plan.errors import UsageError

CANNOT_PULL = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its"
    " permissions are incorrect."
)


def check_image(image: str) -> None:
    """JobError when the image is not here and cannot be had; AWS's sentence, then docker's."""
    if image.startswith(PROCESS):
        _check_process(image)
        return
    try:
        inspect(image)
        return
    except DockerError as error:
        if "No such image" not in str(error) and "no such image" not in str(error):
            raise JobError(f"InternalServerError: docker does not answer: {error}") from error
    try:
        docker("pull", "--quiet", image)
    except DockerError as error:
        raise JobError(f"{CANNOT_PULL} {image}: {error}") from error


def _check_process(image: str) -> None:
    folder = algorithm_of(image)
    if folder is not None and not (folder.is_absolute() and folder.is_dir()):
        raise JobError(
            f"{CANNOT_PULL} {image}: there is no folder {folder}. Name the folder of the algorithm,"
            " absolute, such as process:///home/you/algorithm."
        )
    try:
        harness()
    except UsageError as error:
        raise JobError(f"{CANNOT_PULL} {error}") from error


def has_gpu() -> bool:
    """Whether this machine has a GPU that a container can be given."""
    return shutil.which("nvidia-smi") is not None and Path("/dev/nvidiactl").exists()


def facts(image: str) -> dict[str, Any]:
    """What docker knows of an image: its labels, size, architecture. {} for a process."""
    return {} if image.startswith(PROCESS) else inspect(image)
