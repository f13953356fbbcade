"""Where a pipeline begins: pipeline.yaml here or above, a file, a folder, a factory, a glob."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Literal

from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.kinds import SUFFIXES

DEFAULT = "pipeline.yaml"
YAML = {".yaml", ".yml"}
#: How far up it is looked for, as Ploomber does.
LEVELS = 6
SCRIPTS = tuple(suffix for suffix, kind in SUFFIXES.items() if kind == "notebook")


@dataclass(frozen=True)
class Beginning:
    """How a pipeline is read: a YAML file, scripts alone, or a function that makes it."""

    kind: Literal["yaml", "scripts", "factory"]
    file: Path | None = None
    scripts: tuple[Path, ...] = ()
    factory: str = ""
    root: Path = Path()

    @property
    def name(self) -> str:
        """`pipeline`, `pipeline.serve`: what its records lie under."""
        return self.file.stem if self.file else self.factory or "pipeline"


def beginning(entry: str | Path | None, environ: Mapping[str, str], cwd: Path) -> Beginning:
    """What `--entry-point`, ENTRY_POINT or nothing means."""
    said = str(entry if entry is not None else environ.get("ENTRY_POINT") or "")
    if not said:
        return yaml_at(upwards(cwd, DEFAULT))
    path = (cwd / said).resolve()
    if path.is_dir():
        return in_folder(path)
    if path.is_file() and path.suffix in YAML:
        return yaml_at(path)
    if "*" in said:
        found = sorted(glob(said, root_dir=cwd))  # noqa: PTH207 - it may be absolute
        return scripts_of(said, [Path(name) for name in found], cwd)
    if path.suffix in YAML:
        if entry is None and "/" not in said:
            return yaml_at(upwards(cwd, said))  # ENTRY_POINT=pipeline.serve.yaml
        raise NotFoundError(f"There is no file {said}.")
    if "::" in said:
        return Beginning("factory", factory=said, root=cwd)
    if path.is_file():
        return scripts_of(said, [path], cwd)
    if "." in said and "/" not in said:
        return Beginning("factory", factory=said, root=cwd)
    raise NotFoundError(
        f"{said!r} is no pipeline. Give a .yaml file, a folder, module.function or a pattern like"
        " 'scripts/*.py'."
    )


def in_folder(folder: Path) -> Beginning:
    if (folder / DEFAULT).is_file():
        return yaml_at(folder / DEFAULT)
    found = [path for path in sorted(folder.iterdir()) if path.suffix in SCRIPTS]
    return scripts_of(str(folder), found, folder)


def scripts_of(said: str, found: list[Path], root: Path) -> Beginning:
    """Scripts that say their product themselves: a pipeline with no file."""
    files = tuple((root / path).resolve() for path in found if (root / path).is_file())
    wrong = [path.name for path in files if path.suffix not in SCRIPTS]
    if wrong:
        raise UsageError(f"{said}: {', '.join(wrong)}: tasks end in {', '.join(SCRIPTS)}.")
    if not files:
        raise NotFoundError(f"{said} holds no {DEFAULT} and no scripts.")
    return Beginning("scripts", scripts=files, root=root.resolve())


def upwards(start: Path, name: str) -> Path:
    """The file in this folder or above, in src/PACKAGE of a folder with a setup.py too."""
    for folder in [start.resolve(), *start.resolve().parents][:LEVELS]:
        if (folder / name).is_file():
            return folder / name
        inside = package(folder, name)
        if inside:
            return inside
    raise NotFoundError(
        f"There is no {name} in {start} or above. Give --entry-point, or write one."
    )


def package(folder: Path, name: str) -> Path | None:
    """src/PACKAGE/pipeline.yaml of an installable project."""
    if not (folder / "setup.py").is_file() and not (folder / "pyproject.toml").is_file():
        return None
    return next(iter(sorted(folder.glob(f"src/*/{name}"))), None)


def yaml_at(file: Path) -> Beginning:
    file = file.resolve()
    return Beginning("yaml", file=file, root=root_of(file))


def root_of(file: Path) -> Path:
    """What sources and products are relative to: pipeline.yaml's folder, or the package's."""
    folder = file.parent
    if folder.parent.name == "src":
        project = folder.parent.parent
        if (project / "setup.py").is_file() or (project / "pyproject.toml").is_file():
            return project
    return folder


def env_file(file: Path, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """env.NAME.yaml for pipeline.NAME.yaml, else env.yaml: here first, then beside it."""
    said = environ.get("PLOOMBER_ENV_FILENAME", "")
    if os.sep in said:
        raise UsageError(f"PLOOMBER_ENV_FILENAME is {said!r}. Give a file's name, not its path.")
    parts = file.name.split(".")
    names = [said] if said else [f"env.{parts[1]}.yaml"] * (len(parts) > 2) + ["env.yaml"]
    for name in names:
        for folder in (cwd, file.parent):
            if (folder / name).is_file():
                return (folder / name).resolve()
    if said:
        raise NotFoundError(f"PLOOMBER_ENV_FILENAME is {said!r}; there is no such file.")
    wrong = [file.with_name(name).with_suffix(".yml") for name in names]
    if any(path.is_file() for path in wrong):
        found = next(path.name for path in wrong if path.is_file())
        raise UsageError(f"{found} is not read. Call it {Path(found).stem}.yaml.")
    return None
