"""byoa.toml: what a project always says, so that a command need not."""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.names import fitted

NAME = "byoa.toml"
BUILD = ("packages", "base")
REQUESTS = ("training", "processing", "transform", "model", "endpoint_config", "endpoint", "tuning")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """[project] of byoa.toml with the flags on top; an empty value means: not said."""

    project: str = ""
    on: str = ""
    region: str = ""
    profile: str = ""
    bucket: str = ""
    prefix: str = ""
    role: str = ""
    image: str = ""
    framework_image: str = ""
    instance_type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    #: Channels of `byoa train` when it is given none: a folder below byoa.toml's, or an address.
    data: Mapping[str, str] = field(default_factory=dict)
    #: The folder of the algorithm, below byoa.toml's; "" = the only one there.
    algorithm: str = ""
    #: The task that train, run, shell, process, deploy and invoke mean when they are told none.
    task: str = ""
    #: [build]: packages, base.
    build: Mapping[str, str] = field(default_factory=dict)
    #: More fields of AWS's own requests, by the part of the flow: training, endpoint_config …
    request: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Where byoa.toml lies, or the working folder.
    folder: Path = field(default_factory=Path)

    def need_task(self, named: str | None) -> str:
        """The task that was named, else byoa.toml's."""
        if not (named or self.task):
            raise UsageError(f"No task is named. Give -t NAME, or task below [project] in {NAME}.")
        return named or self.task

    def need_project(self) -> str:
        if not self.project:
            here = fitted(self.folder.absolute().name or "demo")
            raise UsageError(f"No project is named. Give -p {here}, say, or name in {NAME}.")
        return self.project


def load(path: Path | None = None, given: Mapping[str, Any] | None = None) -> Settings:
    """The settings of `path`, or of the first byoa.toml upwards from here; `given` wins."""
    found = path or find(Path.cwd())
    said = read(found) if found else {}
    said.setdefault("framework_image", os.environ.get("BYOA_FRAMEWORK_IMAGE", ""))
    folder = found.absolute().parent if found else Path.cwd()
    return Settings(**{**said, **(given or {}), "folder": folder})


def find(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / NAME).is_file():
            return place / NAME
    return None


def read(path: Path) -> dict[str, Any]:
    """The file as Settings' fields; a key that does not exist is an error, with the nearest one."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}. Leave --config out to look for one.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}. Mend that line.") from error
    check(path, "byoa.toml", tables, ("project", "hyperparameters", "data", "build", "request"))
    project = tables.get("project", {})
    texts = [item.name for item in dataclasses.fields(Settings) if item.type == "str"]
    keys = ["name" if name == "project" else name for name in texts] + ["tags"]
    check(path, "[project]", project, keys)
    requests, own = tables.get("request", {}), tables.get("hyperparameters", {})
    data, build = tables.get("data", {}), tables.get("build", {})
    tags = project.get("tags", {})
    check(path, "[build]", build, BUILD)
    check(path, "[request]", requests, REQUESTS)
    named = {f"[request.{name}]": table for name, table in requests.items()}
    for where, table in {"[hyperparameters]": own, "[data]": data, "tags": tags, **named}.items():
        check(path, where, table, table)
    for key, value in [*project.items(), *data.items(), *build.items()]:
        if key != "tags" and not isinstance(value, str):
            raise UsageError(f"{path}: {key} = {value!r} is not text. Write it in quotes.")
    said = {"project" if key == "name" else key: value for key, value in project.items()}
    own = {key: text_of(value) for key, value in own.items()}
    tags = {key: str(value) for key, value in tags.items()}
    own_tables = {"hyperparameters": own, "data": data, "build": build, "request": requests}
    return {**said, "tags": tags, **own_tables}


def check(path: Path, where: str, table: Any, known: Iterable[str]) -> None:
    if not isinstance(table, Mapping):
        raise UsageError(f"{path}: {where} is no table. Write it as [table] and key = value lines.")
    names = list(known)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(names)}."
            raise UsageError(f"{path}: {where} has no key {key!r}. {hint}")


def text_of(value: Any) -> str:
    """A hyperparameter as SageMaker carries it: text; true, false, lists and tables as JSON."""
    import json

    return value if isinstance(value, str) else json.dumps(value, default=str)
