"""The models of a multi-model endpoint: a folder of them here, a .tar.gz each under its address."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from byoa.models import checked, facts_of, image_of, pack
from byoa.place import Place
from byoa.plan.errors import UsageError
from byoa.plan.image import MULTI_MODEL_LABEL, ImageFacts, takes_many
from byoa.plan.layout import ProjectPlace
from byoa.progress import bar, say
from byoa.settings import Settings

SUFFIX = ".tar.gz"


def image(place: Place, settings: Settings, wanted: dict[str, Any], dry: bool) -> ImageFacts:
    """The image, which takes many models: looked at before a folder of them is sent."""
    found = facts_of(
        place, image_of(place, settings, wanted.pop("image", "") or settings.image), dry
    )
    check_label(found)
    return found


def source(
    place: Place, project: ProjectPlace, wanted: dict[str, Any], endpoint: str, dry: bool
) -> str:
    """The address below which the models lie; a folder of this machine is sent there first."""
    model = wanted.pop("model", "")
    if wanted.pop("task", "") or wanted.pop("job", "") or not model:
        text = "A multi-model endpoint has a folder of models"
        raise UsageError(f"{text}. Name one with --model: of this machine, or an address.")
    if "://" in model:
        return f"{model.rstrip('/')}/"
    uri = f"{project.uri}endpoints/{endpoint}/models/"
    send(place, Path(model), uri, dry)
    return uri


def send(place: Place, folder: Path, uri: str, dry: bool) -> None:
    """Every NAME.tar.gz of the folder, and every folder in it as its NAME.tar.gz."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Name the one that holds the models.")
    with tempfile.TemporaryDirectory(prefix="byoa-models-") as spare:
        names = gather(folder, Path(spare))
        if dry:
            return
        before = {one.name for one in place.storage.objects(uri)}
        with bar(f"sending {len(names)} models") as shown:
            done = place.storage.sync(Path(spare), uri, progress=shown)
    say(f"{len(done.uploaded)} of {len(names)} models sent to {uri}")
    changed = sorted(before.intersection(done.uploaded))
    if changed:
        say(
            f"{', '.join(changed[:3])}{' …' if changed[3:] else ''} changed, and an endpoint that"
            " has loaded a model keeps it: give a new version a new name"
        )


def gather(folder: Path, spare: Path) -> list[str]:
    """The archives of a folder's models, made or linked in `spare`; their names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            archive = spare / f"{path.name}{SUFFIX}"
            if (folder / archive.name).exists():
                raise UsageError(f"{folder} holds {path.name} and {archive.name}. Remove one.")
            pack(path, archive)
        elif path.name.endswith(SUFFIX):
            checked(path)
            take(path, spare / path.name)
    names = sorted(path.name for path in spare.iterdir())
    if not names:
        text = f"{folder} holds no models. Put a folder, or a NAME{SUFFIX}, for each into it"
        raise UsageError(f"{text}: one model alone needs no --multi-model.")
    return names


def take(path: Path, target: Path) -> None:
    """The file under another name, without a copy where the disk allows that."""
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)


def check_label(image: ImageFacts) -> None:
    """UsageError for an image that SageMaker would refuse; unknown ones are asked later."""
    if not image.digest or image.uri.startswith("process://"):
        return
    if not takes_many(image):
        raise UsageError(
            f"The image {image.uri} does not say that it takes many models: it lacks the label"
            f" {MULTI_MODEL_LABEL}=true, as images for GPUs do (AWS wants CPUs for this)."
            " Build it with the packages serve or harness, or deploy one model."
        )
