"""Decides which program the job runs, and brings its source here."""

from __future__ import annotations

import difflib
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from container.algorithm import find_algorithm, training_program
from container.archive import unpack
from container.errors import ProgramError
from container.job import Job, region

CONNECT_SECONDS = 5
READ_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run: its folder, its path inside it, and why this one."""

    folder: Path
    entry: str
    why: str
    is_ours: bool = False

    @property
    def path(self) -> Path:
        return self.folder / self.entry


def find_program(job: Job, environ: Mapping[str, str], scratch: ExitStack) -> Program:
    """The job's own choice, else the image's: hyperparameter, variable, the baked-in algorithm.

    What had to be unpacked elsewhere than in code/ is removed when `scratch` closes.
    """
    asked = job.hyperparameters.text("sagemaker_program")
    submitted = job.hyperparameters.text("sagemaker_submit_directory")
    named = environ.get("SAGEMAKER_PROGRAM")
    if asked or named:
        folder = _source(job, submitted, environ, scratch)
        if asked:
            return _checked(folder, asked, "hyperparameter sagemaker_program")
        return _checked(folder, named or "", "variable SAGEMAKER_PROGRAM")
    if submitted:
        raise ProgramError(
            f"Hyperparameter sagemaker_submit_directory is {submitted!r}, but nothing says which"
            " program in it to run. Set sagemaker_program, such as train.py."
        )
    algorithm = find_algorithm(environ)
    return _checked(algorithm, training_program(algorithm), "the image's algorithm", is_ours=True)


def _checked(folder: Path, entry: str, why: str, is_ours: bool = False) -> Program:
    if entry.startswith(("/", "-")) or ".." in entry.split("/") or "\0" in entry:
        raise ProgramError(
            f"The program {entry!r} ({why}) is not a path inside the source folder."
            " Give it relative to that folder, such as train.py or bin/train.sh."
        )
    if not (folder / entry).is_file():
        raise ProgramError(_not_there(folder, entry, why))
    return Program(folder, entry, why, is_ours)


def _not_there(folder: Path, entry: str, why: str) -> str:
    if not folder.is_dir():
        return (
            f"The program {entry!r} ({why}) is looked for in {folder}, which does not exist."
            " Send its folder as sagemaker_submit_directory, or build it into the image."
        )
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("*") if path.is_file())
    near = difflib.get_close_matches(entry, files, 1)
    there = (
        f"Did you mean {near[0]!r}?" if near else f"It holds: {', '.join(files[:8]) or 'nothing'}."
    )
    return f"There is no program {entry!r} ({why}) in {folder}. {there}"


def _source(
    job: Job, submitted: str | None, environ: Mapping[str, str], scratch: ExitStack
) -> Path:
    """The folder with the program: what was submitted, the channel `code`, else code/."""
    channel = job.root.input_data / "code" / "sourcedir.tar.gz"
    location = submitted or (str(channel) if channel.is_file() else None)
    if location is None:
        return job.root.code
    if location.startswith("s3://"):
        archive = _temporary(scratch) / "sourcedir.tar.gz"
        download(location, archive, environ)
        return _unpacked(archive, job.root.code, scratch)
    path = Path(location.removeprefix("file://"))
    if path.is_dir():
        return path.absolute()
    if not path.is_file():
        raise ProgramError(
            f"Hyperparameter sagemaker_submit_directory is {location!r}, which does not exist here."
            " Give it an s3:// address, or a folder or tar archive in the container."
        )
    return _unpacked(path, job.root.code, scratch)


def _temporary(scratch: ExitStack) -> Path:
    return Path(scratch.enter_context(tempfile.TemporaryDirectory(prefix="byoa-code-")))


def _unpacked(archive: Path, code: Path, scratch: ExitStack) -> Path:
    """The archive's contents: in code/ as users expect, or aside where code/ is in use."""
    if not tarfile.is_tarfile(archive):
        raise ProgramError(
            f"{archive} is not a tar archive. Make it with"
            " tar -czf sourcedir.tar.gz -C your_folder ."
        )
    try:
        code.mkdir(parents=True, exist_ok=True)
        usable = not any(code.iterdir())
    except OSError:
        usable = False
    folder = code if usable else _temporary(scratch)
    unpack(archive, folder)
    return folder


def download(address: str, target: Path, environ: Mapping[str, str]) -> None:
    """Brings an s3:// object here, with time-outs: a job in network isolation must not hang."""
    try:
        import boto3
    except ImportError:
        raise ProgramError(
            f"The source is at {address}, but this image has no boto3 to fetch it."
            " Add boto3 to the image, or send the archive as a channel named code."
        ) from None
    place = urlparse(address)
    try:
        client = boto3.client(
            "s3",
            region_name=region(environ),
            endpoint_url=environ.get("S3_ENDPOINT_URL"),
            config=_time_outs(),
        )
        client.download_file(place.netloc, place.path.lstrip("/"), str(target))
    except Exception as error:  # botocore has dozens, and may not be here to name them
        raise ProgramError(
            f"The source at {address} cannot be fetched: {type(error).__name__}: {error}."
            " Check that it exists, that the job's role may s3:GetObject it, and that the job is"
            " not in network isolation (then send it as a channel named code)."
        ) from error


def _time_outs() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"max_attempts": 3, "mode": "standard"},
    )
