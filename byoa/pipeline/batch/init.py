"""A project made ready for AWS Batch: a section in soopervisor.yaml, a Dockerfile to change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa import files
from byoa.pipeline import document
from byoa.plan.errors import UsageError
from byoa.plan.names import checked
from byoa.plan.pipeline import context, soopervisor
from byoa.plan.pipeline.model import Pipeline


def add(root: Path, name: str, said: Mapping[str, Any], pipeline: Pipeline) -> list[Path]:
    """Writes the section and NAME/Dockerfile; the files written. What is there is not changed."""
    import yaml

    checked(name, "target")
    path, dockerfile = root / soopervisor.NAME, root / name / "Dockerfile"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    sections = document.read(path) if before.strip() else {}
    if isinstance(sections, Mapping) and name in sections:
        raise UsageError(f"{path} has a section {name} already. Take another name, or change it.")
    if (root / name).exists():
        raise UsageError(f"{root / name} is there already. Take another name.")
    section = {**said, "exclude": product_folders(pipeline)}
    section = {key: value for key, value in section.items() if value}
    soopervisor.read_target({name: section}, name, str(path))
    text = yaml.safe_dump({name: section}, default_flow_style=None, sort_keys=False)
    files.replace(
        path, (f"{before.rstrip()}\n\n" if before.strip() else "").encode() + text.encode()
    )
    if soopervisor.PROCESS in str(said.get("repository", "")):
        return [path]
    dockerfile.parent.mkdir()
    dockerfile.write_text(context.DOCKERFILE, encoding="utf-8")
    return [path, dockerfile]


def product_folders(pipeline: Pipeline) -> list[str]:
    """The folders that tasks write to: they do not belong into the image."""
    paths = [
        Path(product.path)
        for task in pipeline.tasks.values()
        for product in task.products.values()
        if product.is_file and not Path(product.path).is_absolute()
    ]
    sources = {
        Path(task.source.path).parts[0] for task in pipeline.tasks.values() if task.source.path
    }
    tops = {path.parts[0] for path in paths if len(path.parts) > 1} - sources
    return sorted(tops)
