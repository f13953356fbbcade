"""What a verb on AWS is about: the project's place, the target, the pipeline's store in S3."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from byoa.aws.batch import Batch, Pace
from byoa.aws.session import Session
from byoa.pipeline import document
from byoa.pipeline.entry import Beginning, beginning
from byoa.pipeline.store import ContentStore
from byoa.place import Place, open_aws
from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace
from byoa.plan.names import fitted
from byoa.plan.pipeline import context, soopervisor
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.soopervisor import Target
from byoa.progress import say
from byoa.settings import Settings

#: The target where no soopervisor.yaml is.
USUAL = "aws"
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project's folder on this machine: its root, the pipeline's file in it, the target."""

    root: Path
    entry: str  #: below the root, or a factory
    target: Target
    name: str  #: byoa's project: the first part of every address

    @property
    def pipeline(self) -> str:
        """The pipeline's name, as its records have it."""
        return Path(self.entry).stem if self.entry.endswith((".yaml", ".yml")) else self.entry

    def loaded(self, overrides: Mapping[str, str], root: Path | None = None) -> Pipeline:
        """The pipeline as it is in the project's folder, or in a copy of it."""
        from byoa.pipeline.load import load

        is_file = self.entry.endswith((".yaml", ".yml"))
        return load((root or self.root) / self.entry if is_file else self.entry, dict(overrides))

    def from_here(self, now: datetime) -> dict[str, str]:
        """What the project's YAML asks for and its image could not say: git's words, the user."""
        from byoa.pipeline.built_in import built_in

        folder = (self.root / self.entry).parent
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")]
        names = {name for text in texts for name in context.asked_for(text)}
        value = built_in(self.root, folder, clock=lambda: now)
        return {name: str(value(name)) for name in sorted(names)}


@dataclass(frozen=True, kw_only=True)
class Home:
    """A project on AWS or in the sandbox."""

    place: Place
    project: Project
    tags: Mapping[str, str] = field(default_factory=dict)
    say: Say = say
    service: str = "batch"

    @property
    def session(self) -> Session:
        found: Session = self.place.session
        return found

    @property
    def target(self) -> Target:
        return self.project.target

    @cached_property
    def store(self) -> ContentStore:
        name = fitted(self.project.pipeline, 100)
        base = ProjectPlace(self.place.storage.base, self.project.name).uri
        return ContentStore(self.place.storage, f"{base}pipelines/{name}")

    @cached_property
    def batch(self) -> Batch:
        return Batch(self.session.client("batch"), Pace())

    @property
    def said(self) -> str:
        """What a command that is proposed needs, to find the same place."""
        words = [] if self.target.name == USUAL else ["--target", self.target.name]
        return " ".join(
            ["", *words, f"--on {self.service}", *["--sandbox"] * (self.place.name == "sandbox")]
        )


def project_at(entry: str | None, target: str | None, settings: Settings) -> Project:
    """The project here, and the section of its soopervisor.yaml."""
    start = beginning(entry, os.environ, Path.cwd())
    if start.kind == "scripts":
        raise UsageError(
            "What is submitted begins at a pipeline.yaml, or at a module.function: scripts alone"
            " do not say their names in the image. Write a pipeline.yaml."
        )
    root = start.root.resolve()
    found = target_of(root, target)
    return Project(
        root=root,
        entry=entry_below(start, root, found.name if entry is None else ""),
        target=found,
        name=settings.project or fitted(root.name, 60).lower(),
    )


def entry_below(start: Beginning, root: Path, target: str) -> str:
    if start.file is None:
        return start.factory
    folder = start.file.parent
    name = context.entry_of((path.name for path in folder.iterdir()), target)
    chosen = folder / name if target else start.file
    return chosen.resolve().relative_to(root).as_posix()


def target_of(root: Path, name: str | None) -> Target:
    """The named section, else the only one; without a file byoa's own defaults."""
    path = root / soopervisor.NAME
    if not path.is_file():
        if name in {None, USUAL}:
            return Target(name=USUAL)
        raise UsageError(f"There is no {path}. Write one: byoa pipeline init {name}")
    said = document.read(path)
    sections = list(said) if isinstance(said, Mapping) else []
    if name is None and len(sections) != 1:
        names = ", ".join(map(str, sections)) or "none"
        raise UsageError(f"Which section of {path}? There is {names}. Name it after the verb.")
    return soopervisor.read_target(said, name or str(sections[0]), str(path))


def open_home(project: Project, settings: Settings, sandbox: bool, say: Say = say) -> Home:
    """Opens AWS, or the sandbox; the target's region and bucket go before byoa.toml's."""
    on = "sandbox" if sandbox or settings.on == "sandbox" else "sagemaker"
    target = project.target
    asked = replace(
        settings,
        project=project.name,
        region=target.region or settings.region,
        bucket=target.bucket or settings.bucket,
    )
    tags = {**settings.tags, **target.tags, "byoa:project": project.name}
    return Home(place=open_aws(on, asked), project=project, tags=tags, say=say)
