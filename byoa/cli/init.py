"""`byoa init`: a folder that is ready to train, and to build."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from byoa.cli.show import say
from byoa.plan.errors import UsageError
from byoa.plan.names import checked

HELP = "A folder that is ready to train and to build."
EXAMPLES = """\
  byoa init demo                          PyTorch, in AWS's image
  byoa init faces --template mask-r-cnn   this project's own algorithm and image
  byoa init tools --template shell"""
TEMPLATES = Path(__file__).parents[1] / "templates"
#: What the image is built from; it lies beside the package in a clone.
IMAGE = (
    *("mask_r_cnn", "container", "requirements", "Dockerfile", ".dockerignore"),
    *("build_and_push.sh", "buildspec.yml", "LICENSE"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="NAME", help="the folder to make")
    # workflows are single files, and `byoa workflow init` makes them
    names = sorted(path.name for path in TEMPLATES.iterdir() if path.name != "workflows")
    parser.add_argument("--template", choices=names, default="pytorch")


def run(arguments: argparse.Namespace) -> int:
    folder, template = arguments.folder, arguments.template
    name = checked(folder.absolute().name, "project")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there and not empty. Name a new folder.")
    copies = {path: folder / path.name for path in sorted((TEMPLATES / template).iterdir())}
    if template == "mask-r-cnn":
        copies |= {TEMPLATES.parents[1] / part: folder / part for part in IMAGE}
    missing = [str(path) for path in copies if not path.exists()]
    if missing:
        raise UsageError(
            f"The template {template} needs {missing[0]}, which a clone of this project has and an "
            "installed byoa has not. Clone it and run byoa there, or take another template."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, target in copies.items():
        copy(path, target, name)
    say(f"{folder} is ready. See {folder / 'README.md'}")
    return 0


def copy(path: Path, target: Path, name: str) -> None:
    """A file or a folder, without what Python left there; a template's texts get the name."""
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        return
    shutil.copy(path, target)
    if TEMPLATES in path.parents:
        text = path.read_text(encoding="utf-8").replace("__NAME__", name)
        target.write_text(text, encoding="utf-8")
