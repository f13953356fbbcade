"""Finds the algorithm that is baked into the image, without knowing its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from container.errors import ProgramError

#: What trains, the first that is there: Python, or a shell script.
TRAIN = ("train.py", "train.sh")
HERE = Path(__file__).absolute().parent
_MARKS = (*TRAIN, "predictor.py", "inference.py")


def find_algorithm(environ: Mapping[str, str], beside: Path = HERE) -> Path:
    """The algorithm's folder: BYOA_ALGORITHM, or the one folder beside container/ that is one."""
    named = environ.get("BYOA_ALGORITHM")
    if named:
        folder = Path(named).absolute()
        if not folder.is_dir():
            raise ProgramError(
                f"BYOA_ALGORITHM is {named!r}, which is no folder."
                " Set it to the folder of the algorithm, the one with train.py in it."
            )
        return folder
    return _only_one(beside)


def training_program(folder: Path) -> str:
    """The name of what trains in the algorithm's folder; train.py where there is neither."""
    return next((name for name in TRAIN if (folder / name).is_file()), TRAIN[0])


def only_serves(environ: Mapping[str, str]) -> bool:
    """Whether this image has what serving needs and not what training needs."""
    return environ.get("BYOA_ONLY") == "serve"


def insist_on_training(environ: Mapping[str, str]) -> None:
    """A ProgramError where this image cannot train."""
    if only_serves(environ):
        raise ProgramError(
            "This image only serves, it has no torch: train in the image that is built"
            " without --packages serve, and serve its model here."
        )


def _only_one(beside: Path) -> Path:
    found = sorted(
        child
        for child in beside.parent.iterdir()
        if child != beside and any((child / mark).is_file() for mark in _MARKS)
    )
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} folders hold" if found else "no folder holds"
    names = f": {', '.join(child.name for child in found)}" if found else ""
    raise ProgramError(
        f"In {beside.parent} {what} a train.py or predictor.py{names}."
        " Set BYOA_ALGORITHM to the folder of the algorithm."
    )
