"""A task's products: made aside in a tree that mirrors the root, then renamed to their places.

Nobody sees half a product, and a task that fails leaves the old ones as they were.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from byoa import files
from byoa.pipeline.folders import Folder, Ledger, make_way, put_folder
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.decide import GIVEN
from byoa.plan.pipeline.fingerprint import place
from byoa.plan.pipeline.model import SINGLE, Product, Task
from byoa.plan.pipeline.records import file_name

#: Beside an absolute product outside the root, until it takes its name.
BESIDE = f"{files.PARTIAL}work-"


#: In the folder of all staging trees: what was replaced, until it is removed.
OLD = ".replaced"


class NotMadeError(ByoaError):
    """A task ended well and its product is not there."""


def in_place(task: Task) -> bool:
    """Whether the products are written where they belong (`staging: false`), or lie there."""
    return task.options.get("staging", True) is False or task.kind in GIVEN


def prepare(task: Task, root: Path, work: Path) -> tuple[Path, dict[str, Path]]:
    """A fresh staging tree, and where the task is to write each product that is a file."""
    staged = work / file_name(task.name)
    discard(task, staged)
    if not in_place(task):
        staged.mkdir(parents=True)
    paths = {
        key: (root / product.path if in_place(task) else staged_path(product, staged))
        for key, product in task.products.items()
        if product.is_file
    }
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    return staged, paths


def staged_path(product: Product, staged: Path) -> Path:
    """The product's place in the tree; of one outside the root, beside its own."""
    return staged_place(Path(product.path), staged)


def staged_place(path: Path, staged: Path) -> Path:
    if not path.is_absolute():
        return staged / path
    return path.parent / f"{BESIDE}{staged.name}" / path.name


def discard(task: Task, staged: Path) -> None:
    """Removes what a run of the task has left aside."""
    for product in task.products.values():
        if product.is_file and Path(product.path).is_absolute():
            shutil.rmtree(staged_path(product, staged).parent, ignore_errors=True)
    if staged.exists():
        shutil.rmtree(staged)


def unmade(task: Task, paths: Mapping[str, Path]) -> None:
    """Ends a task that did not make what it should."""
    missing = [key for key, path in paths.items() if not path.exists()]
    if missing:
        names = ", ".join(
            f"{key}: {place(task.products[key])}" if key != SINGLE else place(task.products[key])
            for key in missing
        )
        raise NotMadeError(
            f"{task.name} ended well, but did not make {names}. "
            "Write to the path that the task is given as its product."
        )


def publish(task: Task, root: Path, staged: Path, ledger: Ledger) -> None:
    """Renames all that the task made to its place below the root; extra files travel along."""
    products = [Path(one.path) for one in task.products.values() if one.is_file]
    folders = {path for path in products if staged_place(path, staged).is_dir()}
    old = staged.with_name(OLD)

    def put_product(made: Path, path: Path) -> None:
        place = Path(os.path.realpath(root / path))
        if path in folders:
            put_folder(made, Folder(str(path), place), ledger, rename, old)
        else:
            make_way(place, ledger.read().get(str(path), set()), old)
            rename(made, place)

    for path in moves(staged, Path(), folders):
        put_product(staged / path, path)
    for path in products:
        if path.is_absolute():
            for made in sorted(staged_place(path, staged).parent.iterdir()):
                put_product(made, path.parent / made.name)
    shutil.rmtree(old, ignore_errors=True)
    discard(task, staged)


def moves(staged: Path, below: Path, folders: set[Path]) -> Iterator[Path]:
    """What is put to its place: files, links, and the folders that are products."""
    for entry in sorted(os.scandir(staged / below), key=lambda one: one.name):
        path = below / entry.name
        if entry.is_dir(follow_symlinks=False) and path not in folders:
            yield from moves(staged, path, folders)
        else:
            yield path


def rename(made: Path, place: Path) -> None:
    """Puts a file or folder to its place, over a file that is there; a link there is followed."""
    place = Path(os.path.realpath(place))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ByoaError(
            f"{place} cannot be written: {error.filename} is in the way. Move it away."
        ) from error
    if made.is_dir() and not made.is_symlink() and not place.is_dir():
        place.unlink(missing_ok=True)
    try:
        os.replace(made, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        across(made, place)


def across(made: Path, place: Path) -> None:
    """The same between two file systems: copied beside the place first."""
    new = place.with_name(f"{files.PARTIAL}{uuid.uuid4().hex}")
    try:
        if made.is_dir() and not made.is_symlink():
            shutil.copytree(made, new, symlinks=True)
        else:
            shutil.copy2(made, new, follow_symlinks=False)
        os.replace(new, place)
    finally:
        with suppress(OSError):
            shutil.rmtree(new) if new.is_dir() else new.unlink()
