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


class NoImageError(DockerError):
    """An image is not here and cannot be had."""


def check_image(image: str) -> None:
    """JobError when the image is not here and cannot be had; AWS's sentence, then docker's."""
    if image.startswith(PROCESS):
        _check_process(image)
        return
    try:
        facts(image)
    except NoImageError as error:
        raise JobError(f"{CANNOT_PULL} {error}") from error
    except DockerError as error:
        raise JobError(f"InternalServerError: docker does not answer: {error}") from error


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
    """What docker knows of an image, pulled if it is not here: its labels … {} for a process."""
    if image.startswith(PROCESS):
        return {}
    try:
        return inspect(image)
    except DockerError as error:
        if "no such image" not in str(error).lower():
            raise
    try:
        docker("pull", "--quiet", image)
    except DockerError as error:
        text = f"The image {image} is not here, and docker cannot pull it: {error}"
        raise NoImageError(f"{text}. Build it, or name another.") from error
    return inspect(image)
