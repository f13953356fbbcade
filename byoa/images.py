"""Which image a task runs in: named, AWS's own, or built from a Dockerfile; and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from byoa.place import Place
from byoa.plan.ecr import registry_host
from byoa.plan.errors import UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.names import fitted
from byoa.progress import say
from byoa.settings import Settings
from byoa.task import Task

FRAMEWORKS = {"training": "pytorch", "processing": "sklearn"}
#: What trains, in an algorithm's folder (container.algorithm.TRAIN).
TRAIN = ("train.py", "train.sh")
#: Where no algorithm is looked for.
NOT_ALGORITHMS = {"container", "byoa", "tests", "examples", "build", "docs"}


def choose(task: Task, place: Place, settings: Settings, dry: bool = False) -> ImageFacts:
    """The image's address, digest and labels. A dry run builds nothing."""
    if place.name == "process":
        return of_process(task, settings)
    asked = task.image
    named = asked.uri or ("" if asked.framework or asked.dockerfile else settings.image)
    if not named and not task.program.is_sent and not task.program.command:
        raise UsageError("No image is named. Give --image, or image below [project] in byoa.toml.")
    if asked.dockerfile:
        uri = built(task, place, lambda: named or framework(task, place, settings), dry)
    else:
        uri = named or framework(task, place, settings)
    theirs = place.name == "sagemaker" and not named and not asked.dockerfile
    return ImageFacts(uri) if dry or theirs else facts(place, uri)


def framework(task: Task, place: Place, settings: Settings) -> str:
    """AWS's image by its name; on this machine the docker image that stands in for it."""
    if place.is_local and settings.framework_image:
        return settings.framework_image
    if place.is_local:
        raise UsageError(
            f"AWS's framework images cannot be pulled on {place.name}. Name a docker image that has"
            " the program `train`: --image, framework_image in byoa.toml, or BYOA_FRAMEWORK_IMAGE."
        )
    from byoa.plan.frameworks import image_uri

    asked = task.image
    return image_uri(
        asked.framework or FRAMEWORKS[task.kind], asked.version or None, asked.python or None,
        region=place.region, instance_type=task.attempts[0][0][0],
        purpose="training" if task.is_training else "processing",
    )  # fmt: skip


def built(task: Task, place: Place, base: Callable[[], str], dry: bool) -> str:
    """The image of --df, on top of `base` if it asks for one: built here, pushed to ECR for AWS."""
    from byoa.build import Build, build_and_push, dockerfile, make

    try:
        folder, text = dockerfile(task.image.dockerfile, "")
    except UsageError:
        folder, text = dockerfile(task.image.dockerfile, base())
    name = task.image.repository or fitted(f"byoa-{task.project}-{task.name}", 200).lower()
    wanted = Build(image=f"{name}:{task.image.tag}", folder=folder, dockerfile=text)
    if dry and place.name == "sagemaker":
        return f"{registry_host(place.session.account, place.region)}/{wanted.image}"
    if dry:
        return wanted.image
    if place.session is not None:
        return build_and_push(place.session, wanted, {"byoa:project": task.project}, say)
    make(wanted, say)
    return wanted.image


def facts(place: Place, uri: str) -> ImageFacts:
    """What the image says of itself, as far as it can be asked."""
    if uri.startswith("process://"):
        return ImageFacts(uri)
    in_registry = ".dkr.ecr." in uri or uri.startswith("127.0.0.1:")
    if place.session is None or (place.is_local and not in_registry):
        from byoa.local import images

        said = images.facts(uri)
        return ImageFacts(uri, digest=said["Id"], labels=said["Config"].get("Labels") or {})
    from byoa.aws.image_facts import image_facts

    return image_facts(place.session, uri)


def of_process(task: Task, settings: Settings) -> ImageFacts:
    """Plain processes have no image: a folder with train.py, or nothing but the user's script."""
    asked = task.image
    if asked.dockerfile or asked.framework:
        say("on process there is no image: the script runs with the Python that runs byoa")
    uri = asked.uri if asked.uri.startswith("process://") else ""
    if task.program.is_sent or task.program.command:
        return ImageFacts(uri or "process://")
    named = uri.removeprefix("process://") or asked.uri
    folder = Path(named) if named else algorithm(settings)
    if not trains(folder):
        raise UsageError(
            f"{folder} holds no train.py or train.sh. Name the algorithm's folder with --image."
        )
    from byoa import pack

    files = pack.collect(None, None, [folder]).files
    digest = pack.fingerprint(files)
    return ImageFacts(f"process://{folder.absolute()}", digest=digest, labels=labels(folder))


def labels(folder: Path) -> dict[str, str]:
    """The label with the hyperparameters, as a build would write it; none if there is no list."""
    import subprocess

    from byoa.local.harness import python
    from byoa.plan.hyperparameters import LABEL

    if not (folder / "hyperparameters.py").is_file():
        return {}
    command = [python(), "hyperparameters.py", "--schema"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return {LABEL: said.stdout} if said.returncode == 0 else {}


def trains(folder: Path) -> bool:
    """Whether the folder holds a program that trains."""
    return any((folder / name).is_file() for name in TRAIN)


def algorithm(settings: Settings) -> Path:
    """The folder with a train.py or train.sh: byoa.toml's algorithm or image, its own folder, the
    only one right below."""
    here = settings.folder
    if settings.algorithm:
        return here / settings.algorithm
    for named in (here / settings.image.removeprefix("process://"), here):
        if trains(named):
            return named
    found = [folder for folder in sorted(here.glob("*/")) if trains(folder)]
    found = [folder for folder in found if folder.name not in NOT_ALGORITHMS]
    if len(found) != 1:
        names = ", ".join(folder.name for folder in found) or "none"
        raise UsageError(
            f"Which algorithm? Folders with a train.py or train.sh in {here}: {names}."
            ' Name one in byoa.toml: algorithm = "FOLDER" below [project].'
        )
    return found[0]
