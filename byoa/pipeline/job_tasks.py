"""A pipeline's train, process and deploy tasks as what the driver runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from byoa import pack
from byoa.files import look
from byoa.plan.errors import UsageError
from byoa.plan.names import PLAIN, fitted
from byoa.plan.pipeline.model import Task
from byoa.project import Project
from byoa.settings import find, load
from byoa.task import Image, Input

KINDS = ("train", "process", "deploy")
#: Settings of byoa.toml that a task may say for itself.
SETTINGS = ("on", "project")
#: Options that say which image, and those that the driver calls otherwise.
FRAMEWORK = ("framework", "version", "python")
RENAMED = {"request": "extra"}


def project_of(task: Task, root: Path) -> Project:
    """The project that the task's jobs belong to: byoa.toml's, the option's, the folder's name."""
    said = load(find(root), {key: task.options[key] for key in SETTINGS if key in task.options})
    return Project.of(said if said.project else replace(said, project=fitted(root.name)))


def name_of(task: Task) -> str:
    """The driver's task: the same name where S3 can have it."""
    return task.name if PLAIN.fullmatch(task.name) else fitted(task.name, 90)


def wanted_of(task: Task, root: Path, upstream: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Keywords of Project.train and process; `upstream` is {task: {product key: path}}."""
    options = dict(task.options)
    for name in (*SETTINGS, *FRAMEWORK, "image", "inputs", "input_mode", "source_dir"):
        options.pop(name, None)
    wanted = {RENAMED.get(name, name): value for name, value in options.items()}
    wanted["image"] = image_of(task, root)
    wanted["inputs"] = inputs_of(task, root, upstream)
    wanted["dependencies"] = [root / path for path in options.get("dependencies", ())]
    wanted["metrics"] = pairs(options.get("metrics", ()))
    script = script_of(task, root)
    if script:
        wanted["script"] = script
        if task.options.get("source_dir"):
            wanted["source"] = root / task.options["source_dir"]
    if task.kind == "train":
        wanted["hyperparameters"] = dict(task.params)
    else:
        said = {name: str(value) for name, value in task.params.items()}
        wanted |= {"kind": "processing", "environment": {**wanted.get("environment", {}), **said}}
    return wanted


def script_of(task: Task, root: Path) -> Path | None:
    path = root / task.source.path if task.source.path else None
    return path if path is not None and not path.is_dir() else None


def image_of(task: Task, root: Path) -> Image:
    """The image by its address or framework; a folder of the project is an algorithm."""
    named = str(task.options.get("image", ""))
    if not named and task.source.path and (root / task.source.path).is_dir():
        named = task.source.path
    if named and "://" not in named and (root / named).is_dir():
        named = str((root / named).resolve())
    said = {name: str(task.options[name]) for name in FRAMEWORK if name in task.options}
    return Image(uri=named, **said)


def inputs_of(
    task: Task, root: Path, upstream: Mapping[str, Mapping[str, str]]
) -> dict[str, Input]:
    """Each channel with the folder or address that it reads."""
    mode = task.options.get("input_mode", "File") if task.kind == "train" else "File"
    return {
        channel: Input(name=channel, where=where_of(item, root, upstream), mode=mode)
        for channel, item in task.options.get("inputs", {}).items()
    }


def where_of(item: Any, root: Path, upstream: Mapping[str, Mapping[str, str]]) -> str:
    if isinstance(item, str):
        return item if "://" in item else str(root / item)
    made = upstream[item["upstream"]]
    key = item.get("product", next(iter(made)) if len(made) == 1 else "")
    if key not in made:
        raise UsageError(
            f"The task {item['upstream']} makes {', '.join(made)}: say which, product: KEY."
        )
    return made[key]


def pairs(said: Any) -> list[tuple[str, str]]:
    """Metric definitions of {name: regex} or [[name, regex]]."""
    return list(said.items()) if isinstance(said, Mapping) else [(name, one) for name, one in said]


@dataclass(frozen=True)
class Facts:
    """What decides a job's result beside its options: the image, and what it reads of this disk."""

    image: str  #: a folder's digest, or the address as it is given
    resources: Mapping[str, str]  #: path → digest; "" where nothing is


def facts_of(task: Task, root: Path, digest: Callable[[Path], str] | None = None) -> Facts:
    image = image_of(task, root).uri
    folder = Path(image.removeprefix("process://")) if image else None
    if folder and folder.is_dir():
        image = pack.fingerprint(pack.collect(None, None, [folder]).files)
    read = digest or content_digest
    return Facts(image, {path: read(root / path) for path in local_paths(task, root)})


def local_paths(task: Task, root: Path) -> Iterator[str]:
    script = script_of(task, root)
    own = [task.options.get("source_dir", ""), *task.options.get("dependencies", ())]
    inputs = task.options.get("inputs", {}).values()
    paths = [item for item in inputs if isinstance(item, str) and "://" not in item]
    yield from filter(None, [*own, *paths, task.source.path if script else ""])


def content_digest(path: Path) -> str:
    """A hash of a file's bytes, of a folder's names and bytes; "" where nothing is."""
    mark = hashlib.sha256()
    if path.is_file():
        mark.update(path.read_bytes())
    elif path.is_dir():
        for name, file in sorted(look(path).files.items()):
            content = hashlib.sha256(Path(file.path).read_bytes()).hexdigest()
            mark.update(f"{name}\0{content}\n".encode())
    else:
        return ""
    return mark.hexdigest()
