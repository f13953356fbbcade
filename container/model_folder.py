"""What a program leaves as its model: links become files, and an empty folder is said.

Hosting unpacks no links, and a job whose program saved its model elsewhere completes like any
other: both are found here, and not when an endpoint does not come up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_NAMED = 5

Log = Callable[[str], None]


def settle(model: Path, log: Log) -> None:
    """Puts what a link leads to in the link's place."""
    if model.is_symlink():
        return  # not the folder that we made: whoever uploads it decides
    inner_first = sorted(_links(model), key=lambda link: -len(link.parts))
    for link in inner_first:
        name = f"model/{link.relative_to(model)}"
        if problem := _replace(link):
            log(f"{name} is a link, which no endpoint unpacks: {problem}. Write a file there.")
        else:
            log(f"{name} was a link, which no endpoint unpacks: what it led to is in its place")


def say_if_empty(model: Path, code: Path, began: float, log: Log) -> None:
    """Says that a job leaves no model, and what its program wrote where nobody keeps it."""
    if any(files for _, _, files in os.walk(model)):
        return
    lost = _written_since(code, began)
    where = f" It wrote {', '.join(lost[:MOST_NAMED])} into {code}." if lost else ""
    log(f"{model} is empty, so there is no model.{where} What shall stay goes below SM_MODEL_DIR.")


def _links(folder: Path) -> Iterator[Path]:
    for parent, names, files in os.walk(folder):
        yield from (path for name in (*names, *files) if (path := Path(parent, name)).is_symlink())


def _replace(link: Path) -> str:
    """What kept us from it; empty when the link is a file or folder now."""
    target = Path(os.path.realpath(link))
    if not target.exists():
        return f"{link.readlink()} does not exist"
    if target.is_dir() and (target in link.parents or any(_links(target))):
        return f"{target} holds links of its own"
    aside = link.with_name(f".{os.getpid()}.copy")
    try:
        _copy(target, aside)
        link.unlink()
        aside.rename(link)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(aside, ignore_errors=True)
        aside.unlink(missing_ok=True)
        return f"{target} cannot be copied ({error.strerror or error})"
    return ""


def _copy(target: Path, to: Path) -> None:
    if target.is_dir():
        shutil.copytree(target, to)
    elif target.is_file():
        shutil.copy2(target, to)
    else:
        raise OSError(None, "it is no file")


def _written_since(folder: Path, began: float) -> list[str]:
    try:
        files = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        return sorted(path.name for path in files if path.stat().st_mtime >= began)
    except OSError:
        return []
