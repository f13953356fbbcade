"""A model that can be deployed: its files, wherever they are, and the image that serves them."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa import account, files, images, jobs, record
from byoa.local.folder_storage import path_of
from byoa.place import Place
from byoa.plan.errors import UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import Model
from byoa.progress import bar, say
from byoa.settings import Settings
from byoa.task import Task

ARCHIVE = "model.tar.gz"
OUTPUTS = ("async_output", "async_failures", "capture", "output")


def prepare(
    place: Place, settings: Settings, wanted: dict[str, Any], dry: bool, *others: str
) -> tuple[Model, ImageFacts]:
    """The model of `task`, `job` or `model`; what it uses is taken out of `wanted`.

    Its name is the hash of its files; its role reads `others`, too. The image is `image`, else
    the one that trained it, else byoa.toml's.
    """
    project = ProjectPlace(place.storage.base, settings.need_project())
    reached = {key: wanted.get(key, ()) for key in ("subnets", "security_groups", "kms_key")}
    task = Task(project=project.project, name="model", job=reached)
    if not dry:
        account.ensure_bucket(place, task)
    many = wanted.pop("multi_model", "")
    if many:
        from byoa import many_models

        facts = many_models.image(place, settings, wanted, dry)
        data = many_models.source(place, project, wanted, many, dry)
    else:
        data, trained = source(place, project, wanted, dry)
        image = image_of(place, settings, wanted.pop("image", "") or trained or settings.image)
        check_code(place, image, data)
        facts = facts_of(place, image, dry)
    image = facts.uri
    read = [address for address in (data, *others) if address.startswith("s3://")]
    write = [project.uri, *written(wanted)]
    # What we sent or trained lies under a name of its own; other addresses may change.
    # The models of many come and go without a deployment.
    mark = "" if many or data.startswith(project.uri) else place.storage.fingerprint(data)
    model = Model(
        name=mark,
        image=image,
        role=account.role(place, task, write, read, image, dry),
        data=data,
        multi_model=bool(many),
        tags={**settings.tags, **wanted.pop("tags", {}), "byoa:project": project.project},
        **{"extra": settings.request.get("model", {}), **fields_of(Model, wanted)},
    )
    return model, facts


def check_code(place: Place, image: str, model: str) -> None:
    """UsageError when no program would answer: the model of a script, which brings none."""
    if place.name != "process" or image != "process://":
        return
    try:
        with tarfile.open(path_of(model)) as tar:
            brings = any("code" in Path(name).parts for name in tar.getnames())
    except (OSError, tarfile.TarError):
        return  # an endpoint says what is wrong with it
    if not brings:
        raise UsageError(
            "A script trained this model, and nothing says how it answers. Name a folder with an"
            " inference.py, --image FOLDER, or let the script copy one to SM_MODEL_DIR/code."
        )


def written(wanted: Mapping[str, Any]) -> list[str]:
    """Addresses outside of the project that the container's role writes to."""
    named = [str(wanted.get(key) or "") for key in OUTPUTS]
    return [address for address in named if address.startswith("s3://")]


def facts_of(place: Place, image: str, dry: bool) -> ImageFacts:
    """A dry run does without an image that is not there yet."""
    if place.name == "process":
        return ImageFacts(image)
    try:
        return images.facts(place, image)
    except Exception:
        if dry:
            return ImageFacts(image)
        raise


def fields_of(kind: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """The keywords that are fields of a dataclass, taken out of `wanted`."""
    names = {field.name for field in dataclasses.fields(kind)} & wanted.keys()
    return {name: wanted.pop(name) for name in names}


def source(
    place: Place, project: ProjectPlace, wanted: dict[str, Any], dry: bool
) -> tuple[str, str]:
    """The address of the model's files, and the image that trained it, where that is known."""
    job, model, task = (wanted.pop(key, "") for key in ("job", "model", "task"))
    if model:
        return (model if "://" in model else send(place, project, Path(model), dry)), ""
    if not job and (run := record.latest(place.storage, project.task(task)) if task else None):
        job = run.job
    if not job:
        raise UsageError("Which model? Name a task that has run, a job, or a model's folder.")
    kind, described = jobs.find(place, job)
    address = described.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
    if not address:
        status = jobs.status_of(described)
        shown = f"`byoa list -p {project.project} --on {place.name}` shows those that have one"
        raise UsageError(
            f"The {kind} job {job} has no model: it is {status}. Name another, --job JOB: {shown}."
        )
    whole = address.endswith((".tar.gz", "/"))
    image = described.get("AlgorithmSpecification", {}).get("TrainingImage", "")
    return address if whole else f"{address}/", image


def image_of(place: Place, settings: Settings, named: str) -> str:
    """The image's address; on process that is the algorithm's folder."""
    if place.name != "process" or named.startswith("process://"):
        if not named:
            raise UsageError("No image is named. Give --image, or image in byoa.toml.")
        return named
    folder = Path(named or images.algorithm(settings))
    if not folder.is_dir():
        raise UsageError(f"{named} is no folder, and processes have no image. Use --on docker.")
    return f"process://{folder.absolute()}"


def send(place: Place, project: ProjectPlace, path: Path, dry: bool) -> str:
    """A folder, or a model.tar.gz, under an address made of its content."""
    if not path.exists():
        raise UsageError(f"There is no {path} here. Name a folder, a {ARCHIVE} or an address.")
    with tempfile.TemporaryDirectory(prefix="byoa-model-") as spare:
        archive = path if path.is_file() else pack(path, Path(spare, ARCHIVE))
        uri = f"{project.uri}models/{checked(archive)}/{ARCHIVE}"
        if not dry and not any(place.storage.objects(uri)):
            say(f"sending {path}")
            with bar(f"sending {path}") as shown:
                place.storage.upload(archive, uri, shown)
    return uri


def pack(folder: Path, archive: Path) -> Path:
    """The folder's files at the archive's root; the same files make the same bytes."""
    found = files.look(folder).files
    if not found:
        raise UsageError(f"The folder {folder} holds no files. Name the one that holds the model.")
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as squeezed,  # weights hardly shrink
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, file in sorted(found.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = file.size, 0o644
            with Path(file.path).open("rb") as content:
                tar.addfile(info, content)
    return archive


def checked(archive: Path) -> str:
    """The hash of an archive that SageMaker can unpack: it refuses links."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            links = [one.name for one in tar if one.issym() or one.islnk()]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(f"{archive} is no .tar.gz: {error}. Name the model's folder.") from error
    if links:
        raise UsageError(f"{archive}: {links[0]} is a link, which SageMaker refuses. Copy it.")
    mark = hashlib.sha256()
    with archive.open("rb") as content:
        while piece := content.read(1 << 20):
            mark.update(piece)
    return mark.hexdigest()[:16]
