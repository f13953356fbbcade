"""A task: what a user wants to run, as one value. The flow that runs it is byoa/run.py."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.plan.errors import UsageError

DISTRIBUTIONS = ("FullyReplicated", "ShardedByS3Key")
MADE = ("model", "output", "state", "source")
INSTANCE_TYPES = {"training": "ml.m5.large", "processing": "ml.t3.medium"}
Attempt = tuple[tuple[str, ...], bool]


@dataclass(frozen=True, kw_only=True)
class Input:
    """A channel's name, and where its files are: a path, an address, or a task and what it made."""

    name: str
    where: str
    made: str = ""  #: model, output, state, source: then `where` is a task
    distribution: str = DISTRIBUTIONS[0]
    subdir: str = ""
    mode: str = "File"

    def __post_init__(self) -> None:
        if not self.where:
            raise UsageError(f"The input {self.name} is ''. Give it a folder or an address.")
        if not re.fullmatch(r"(?!\.+$)[A-Za-z0-9._-]{1,64}", self.name):  # it becomes a folder
            raise UsageError(
                f"The input's name is {self.name[:70]!r}. It is up to 64 letters, digits and ._-"
            )
        if self.distribution not in DISTRIBUTIONS:
            raise UsageError(
                f"The input {self.name} is distributed {self.distribution!r}. It is"
                f" {DISTRIBUTIONS[0]} (every host has all) or {DISTRIBUTIONS[1]} (its share)."
            )
        if self.made and self.made not in MADE:
            raise UsageError(
                f"The input {self.name} is the {self.made!r} of a task. Take {', '.join(MADE)}."
            )
        if self.subdir and self.made in {"model", "source"}:
            raise UsageError(
                f"The input {self.name} is an archive: it has no folder {self.subdir!r} before the"
                " job unpacks it. Leave the folder out."
            )


@dataclass(frozen=True, kw_only=True)
class Image:
    """Which image: one by its address, one of AWS's by name, or a Dockerfile on top of that."""

    uri: str = ""
    framework: str = ""
    version: str = ""
    python: str = ""
    dockerfile: str = ""  #: a path or the text itself; __BASE_IMAGE__ is replaced
    repository: str = ""
    tag: str = "latest"


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is sent along: a script or a command line, and all that it needs."""

    script: Path | None = None
    source: Path | None = None
    dependencies: Sequence[Path] = ()
    shell: str = ""
    command: Sequence[str] = ()  #: of a Processing job: what runs the script, or the entry point
    arguments: Sequence[str] = ()

    @property
    def is_sent(self) -> bool:
        return bool(self.script or self.shell)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task, complete: what is not said has its default."""

    project: str
    name: str
    kind: str = "training"
    program: Program = field(default_factory=Program)
    image: Image = field(default_factory=Image)
    inputs: Sequence[Input] = ()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[tuple[str, str]] = ()
    distribution: Mapping[str, Any] = field(default_factory=dict)
    types: Sequence[str] = ()
    spot: bool = True
    on_demand_fallback: bool = False
    force: bool = False
    clean_state: bool = False
    interrupt_after: str = ""  #: seconds of each try, as "30" or "30,60"
    max_cost: float | None = None
    #: Fields of plan's TrainingJob or ProcessingJob as they are: instance_count, max_run, extra …
    job: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_training(self) -> bool:
        return self.kind == "training"

    @property
    def attempts(self) -> list[Attempt]:
        """(instance types, spot) in the order in which they are tried while capacity lacks.

        On demand AWS chooses among the types itself; spot and a list exclude each other.
        """
        types = tuple(self.types) or (INSTANCE_TYPES[self.kind],)
        if not self.is_training:
            return [((one,), False) for one in types]
        spot: list[Attempt] = [((one,), True) for one in types] if self.spot else []
        return [*spot, (types, False)] if self.on_demand_fallback or not spot else spot
