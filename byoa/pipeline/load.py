"""Reads a pipeline from wherever it begins: one call, one Pipeline."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from byoa.pipeline import document
from byoa.pipeline.built_in import built_in
from byoa.pipeline.collector import no_collection
from byoa.pipeline.entry import Beginning, beginning, env_file
from byoa.pipeline.env_file import env_values, merged
from byoa.pipeline.importing import importing
from byoa.pipeline.modules import Modules, function_of
from byoa.plan.errors import UsageError
from byoa.plan.pipeline.env import Env
from byoa.plan.pipeline.model import Dotted, Pipeline
from byoa.plan.pipeline.problems import Problems
from byoa.plan.pipeline.spec import pipeline
from byoa.plan.pipeline.upstream import CodeError
from byoa.plan.pipeline.world import World


@dataclass(frozen=True)
class Around:
    """What surrounds a load: environment variables, the folder that it was called in."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = field(default_factory=Path.cwd)


def load(
    entry: str | Path | None = None,
    overrides: Mapping[str, str] | None = None,
    around: Around | None = None,
    env: Mapping[str, Any] | None = None,
) -> Pipeline:
    """The pipeline at a file, folder, factory or glob; pipeline.yaml here or above by default.

    `overrides` are --env--KEY VALUE of what env.yaml has; `env` adds to it, or stands for it.
    PipelineError tells all that is wrong with it at once.
    """
    around = around or Around()
    start = beginning(entry, around.environ, around.cwd)
    with no_collection():
        return begun(start, overrides or {}, around, env)


def begun(
    start: Beginning, overrides: Mapping[str, str], around: Around, env: Mapping[str, Any] | None
) -> Pipeline:
    if start.kind == "factory":
        return from_factory(start, overrides, around)
    if start.kind == "scripts":
        return from_scripts(start, overrides, around)
    assert start.file is not None
    data = document.read(start.file)
    if isinstance(data, Mapping) and "location" in data:
        return from_location(data, start, overrides, around)
    return from_data(data, start, overrides, around, env)


def from_data(
    data: Any,
    start: Beginning,
    overrides: Mapping[str, str],
    around: Around,
    env_given: Mapping[str, Any] | None = None,
) -> Pipeline:
    """A pipeline from its document and the env.yaml beside it, or the values given for it."""
    file = start.file
    problems = Problems(shown(file, around.cwd) if file else start.name)
    root = start.root
    folder = file.parent if file else root
    env = env_of(start, overrides, problems, around, env_given)
    folders = import_folders(root, folder)
    world = world_of(root, folder, folders)
    return pipeline(start.name, data, env, world, problems, folders)


def env_of(
    start: Beginning,
    overrides: Mapping[str, str],
    problems: Problems,
    around: Around,
    given: Mapping[str, Any] | None,
) -> Env:
    """env.yaml's values, the given ones on top; from Python, with none: no placeholders."""
    file, root = start.file, start.root
    path = env_file(file, around.environ, around.cwd) if file else None
    raw = merged(env_values(path), given or {}) if path else given or {}
    known = built_in(root, file.parent if file else root, around.environ, around.cwd)
    name = shown(path, around.cwd) if path else "env.yaml" if file else "env"
    return Env(raw, overrides, known, problems, name, literal=file is None and given == {})


def import_folders(root: Path, folder: Path) -> tuple[str, ...]:
    """Folders for sys.path: the root, pipeline.yaml's own, a package's src."""
    source = [root / "src"] if (root / "src").is_dir() else []
    return tuple(dict.fromkeys(str(path) for path in (root, folder, *source)))


def world_of(root: Path, folder: Path, folders: Sequence[str]) -> World:
    """The disk, and the user's modules."""
    modules = Modules(folders)
    texts: dict[str, str] = {}
    there: dict[str, bool] = {}

    def read(path: str) -> str:
        if path not in texts:
            texts[path] = Path(path).read_text(encoding="utf-8")
        return texts[path]

    def exists(path: str) -> bool:
        if path not in there:
            there[path] = Path(path).exists()
        return there[path]

    return World(
        root=str(root),
        folder=str(folder),
        read=read,
        exists=exists,
        document=lambda path: document.read(Path(path)),
        function=modules.function,
        function_of=function_of,
        missing=modules.missing,
        module_folder=modules.folder,
        call=Caller(modules, root),
    )


class Caller:
    """Calls the user's functions whose values stand in pipeline.yaml, each once."""

    def __init__(self, modules: Modules, root: Path) -> None:
        self.modules, self.root = modules, root
        self.made: dict[str, Any] = {}

    def __call__(self, wanted: Dotted) -> Any:
        key = repr((wanted.path, sorted(wanted.arguments.items(), key=str)))
        if key not in self.made:
            self.made[key] = self.called(wanted)
        return self.made[key]

    def called(self, wanted: Dotted) -> Any:
        function = wanted.object or self.modules.load(wanted.path)
        before = Path.cwd()
        with importing(self.modules.folders), redirect_stdout(sys.stderr):
            try:
                os.chdir(self.root)
                value = function(**wanted.arguments)
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                raise CodeError(f"{wanted.path} fails: {said}.") from error
            finally:
                os.chdir(before)
        if value is None:
            raise CodeError(f"{wanted.path} returns None.")
        return list(value) if hasattr(value, "__next__") else value


def from_location(
    data: Mapping[str, Any], start: Beginning, overrides: Mapping[str, str], around: Around
) -> Pipeline:
    """`location: module.function`: the pipeline that the function returns."""
    if len(data) > 1:
        others = ", ".join(repr(key) for key in data if key != "location")
        raise UsageError(f"{start.file}: beside location there can be no {others}.")
    said = data["location"]
    if not isinstance(said, str):
        raise UsageError(f"{start.file}: location is {said!r}. Write module.function.")
    return from_factory(replace(start, factory=said), overrides, around)


def from_factory(start: Beginning, overrides: Mapping[str, str], around: Around) -> Pipeline:
    from byoa.pipeline.factory import made_by

    return made_by(start, overrides, around)


def from_scripts(start: Beginning, overrides: Mapping[str, str], around: Around) -> Pipeline:
    """Scripts alone: each says its upstream and its product in its parameters cell."""
    data = {
        "meta": {"extract_product": True},
        "tasks": [{"source": str(path)} for path in start.scripts],
    }
    return from_data(data, start, overrides, around)


def shown(path: Path, cwd: Path) -> str:
    """A path as one would type it here."""
    try:
        return str(path.relative_to(cwd.resolve()))
    except ValueError:
        return str(path)
