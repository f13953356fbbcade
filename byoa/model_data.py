"""Where a model's files are: of a job, of a task, in a folder here, or at an address."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from byoa import files, jobs, record
from byoa.place import Place
from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace
from byoa.progress import bar, say

ARCHIVE = "model.tar.gz"
MARK = 16


@dataclass(frozen=True)
class ModelData:
    """One archive, or a folder ("/" at its end), and the image that made it, where known."""

    address: str
    image: str = ""


def of_job(place: Place, name: str) -> ModelData:
    """What a training job left; UsageError while it has left nothing."""
    kind, described = jobs.find(place, name)
    address = described.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
    if kind != "training" or not address:
        raise UsageError(
            f"The {kind} job {name} has no model: it is {jobs.status_of(described)}. Name a"
            " training job that is Completed."
        )
    whole = address.endswith((".tar.gz", "/"))
    image = described["AlgorithmSpecification"].get("TrainingImage", "")
    return ModelData(address if whole else f"{address}/", image)


def of_task(place: Place, project: str, task: str) -> ModelData:
    """What the last job of a task left."""
    run = record.latest(place.storage, ProjectPlace(place.storage.base, project).task(task))
    if run is None:
        raise UsageError(f"The task {task} of {project} has not run yet. Train first.")
    return of_job(place, run.job)


def of_path(place: Place, project: str, path: Path, dry: bool = False) -> ModelData:
    """A folder, or a model.tar.gz, sent to the place under a name made of its content."""
    if not path.exists():
        raise UsageError(f"There is no {path} here. Name a folder, a {ARCHIVE} or an address.")
    with tempfile.TemporaryDirectory(prefix="byoa-model-") as spare:
        archive = path if path.is_file() else pack(path, Path(spare, ARCHIVE))
        check(archive)
        mark = digest(archive)[:MARK]
        uri = f"{ProjectPlace(place.storage.base, project).uri}models/{mark}/{ARCHIVE}"
        if not dry and not any(place.storage.objects(uri)):
            say(f"sending {path}")
            with bar(f"sending {path}") as shown:
                place.storage.upload(archive, uri, shown)
    return ModelData(uri)


def pack(folder: Path, archive: Path) -> Path:
    """The folder's files at the archive's root; the same files make the same bytes."""
    found = files.look(folder)
    if not found.files:
        raise UsageError(f"The folder {folder} holds no files. Name the one that holds the model.")
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as squeezed,  # weights hardly shrink
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name in sorted(found.files):
            path = Path(found.files[name].path)
            info = tarfile.TarInfo(name)
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                tar.addfile(info, content)
    return archive


def check(archive: Path) -> None:
    """What SageMaker would refuse: links, and an archive that is none."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            bad = next((one.name for one in tar if one.issym() or one.islnk()), "")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(f"{archive} is no .tar.gz: {error}. Name the model's folder.") from error
    if bad:
        raise UsageError(f"{archive} holds the link {bad}, and SageMaker refuses links. Copy it.")


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as content:
        while piece := content.read(1 << 20):
            found.update(piece)
    return found.hexdigest()
