"""`byoa init`: a folder that is ready to train, to build, to deploy and to test."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

from byoa.cli.show import say
from byoa.plan.errors import UsageError
from byoa.plan.names import checked, fitted
from byoa.toolkit import RUBBISH, part

HELP = "A folder that is ready to train and to build."
EXAMPLES = """\
  byoa init demo                          PyTorch
  byoa init trees --template sklearn      scikit-learn: a small image without torch
  byoa init faces --template mask-r-cnn   instance segmentation, with the algorithm's code
  byoa init tools --template shell        programs that are not Python"""
TEMPLATES = Path(__file__).parents[1] / "templates"
#: What templates take from the toolkit besides, and what it is called there.
TAKEN = {"mask-r-cnn": {"mask_r_cnn": "mask_r_cnn", "pictures.py": "local_test/sample_pictures.py"}}
CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")
#: The task that the READMEs run.
TASK = "first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="NAME", help="the folder to make")
    # workflows are single files, and `byoa workflow init` makes them
    names = sorted(path.name for path in TEMPLATES.iterdir() if path.name != "workflows")
    parser.add_argument(
        "--template", choices=names, default="pytorch", help="what to begin with (pytorch)"
    )


def run(arguments: argparse.Namespace) -> int:
    folder, template = arguments.folder, arguments.template
    name = checked(folder.absolute().name, "project")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there and not empty. Name a new folder.")
    copies = {path: Path(name) for name, path in taken(template)}
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(TEMPLATES / template, folder, ignore=CACHES, dirs_exist_ok=True)
    for path in files(folder):
        fill_in(path, name)
    for path, target in copies.items():
        copy(path, folder / target)
    say(f"{folder} is ready. Read {folder / 'README.md'}, or begin:  cd {folder}")
    return 0


def taken(template: str) -> Iterator[tuple[str, Path]]:
    """What the template takes from the toolkit: its name there, and where it is."""
    for name, source in TAKEN.get(template, {}).items():
        yield name, part(source)


def copy(path: Path, target: Path) -> None:
    """A file or a folder, without what Python left there."""
    if path.is_dir():
        shutil.copytree(path, target, ignore=RUBBISH)
    else:
        shutil.copy(path, target)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def fill_in(path: Path, name: str) -> None:
    """The project's own names, where the template has a blank."""
    text = path.read_text(encoding="utf-8")
    said = {
        "__NAME__": name,
        "__IMAGE__": fitted(name).lower(),
        "__ENDPOINT__": fitted(f"{name}-{TASK}"),
    }
    for blank, word in said.items():
        text = text.replace(blank, word)
    path.write_text(text, encoding="utf-8")
