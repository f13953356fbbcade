"""Rows of flowers: CSV files in, numbers out. What the programs of this folder share."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
#: Beside train.csv: what turns centimetres into the numbers that the model learned from.
SCALING = "scaling.json"

Numbers = NDArray[np.float64]


class DataError(Exception):
    """What is wrong with the data, and what to do."""


@dataclass(frozen=True)
class Scaling:
    """Mean and spread of each column of the training flowers; the species' names."""

    mean: Sequence[float]
    scale: Sequence[float]
    species: Sequence[str]

    def apply(self, rows: Numbers) -> Numbers:
        """Scaled rows; a missing number counts as the mean."""
        scaled: Numbers = (rows - np.asarray(self.mean)) / np.asarray(self.scale)
        return np.nan_to_num(scaled, nan=0.0)

    def write(self, folder: Path) -> None:
        (folder / SCALING).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Scaling:
        path = next(iter(sorted(folder.rglob(SCALING))), None)
        if path is None:
            raise DataError(f"There is no {SCALING} in {folder}. Run preprocess.py first.")
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def cells(files: Iterable[Path]) -> list[list[str]]:
    """The rows of all files; empty lines and a head line are left out."""
    found = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if any(row)]
        found += rows[1:] if rows and head(rows[0]) else rows
    return found


def head(row: Sequence[str]) -> bool:
    """Whether a row names columns: none of its features is a number, and none is missing."""
    features = row[: len(FEATURES)]
    return all(features) and not any(number(cell) is not None for cell in features)


def number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def flowers(rows: Sequence[Sequence[str]]) -> tuple[Numbers, list[str]]:
    """Features (nan where one is missing) and species; rows without a species are left out."""
    wrong = [row for row in rows if len(row) != len(FEATURES) + 1]
    if wrong:
        raise DataError(
            f"The row {','.join(wrong[0])!r} has {len(wrong[0])} columns. "
            f"A flower has {len(FEATURES) + 1}: {', '.join(FEATURES)}, species."
        )
    known = [row for row in rows if row[-1]]
    features = [[feature(cell, row) for cell in row[:-1]] for row in known]
    return np.array(features, float).reshape(-1, len(FEATURES)), [row[-1] for row in known]


def feature(cell: str, row: Sequence[str]) -> float:
    """A number, or nan for a missing one."""
    found = float("nan") if cell.lower() in {"", "?", "na", "nan"} else number(cell)
    if found is None or found in (float("inf"), float("-inf")):
        raise DataError(f"The row {','.join(row)!r} holds {cell!r}, which is no length. Mend it.")
    return found


def csv_files(folder: Path) -> list[Path]:
    """A file itself, or every CSV (or UCI's .data) file of a folder."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise DataError(f"There is no {folder}. Name a file or a folder.")
    found = sorted(path for path in folder.rglob("*") if path.suffix in {".csv", ".data"})
    if not found:
        raise DataError(f"{folder} holds no *.csv and no *.data. Give it some flowers.")
    return found
