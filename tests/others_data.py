"""Data for the scripts below tests/container/fixtures/others, in the forms that they read."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

Rows = np.ndarray


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of 28 x 28 bytes and their classes: a bright block whose place is the class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    pictures = random.integers(0, 40, (count, 28, 28), dtype=np.uint8)
    for picture, label in zip(pictures, labels):
        row, column = 2 + 13 * (label // 5), 1 + 5 * (label % 5)
        picture[row : row + 11, column : column + 5] = 255
    return pictures, labels.astype(np.uint8)


def normalised(pictures: np.ndarray) -> np.ndarray:
    """As the script's own transforms make them: N x 1 x 28 x 28, float32."""
    return ((pictures[:, None] / 255 - 0.1307) / 0.3081).astype(np.float32)


def write_mnist(folder: Path) -> None:
    """The four files of MNIST where torchvision looks for them."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count in (("train", 400), ("t10k", 50)):
        pictures, labels = digits(count, seed=count)
        head = struct.pack(">IIII", 2051, count, 28, 28)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
        head = struct.pack(">II", 2049, count)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())


def flowers(count: int = 60) -> tuple[list[str], Rows]:
    """Species and four lengths each: three kinds that a small tree can tell apart."""
    random = np.random.default_rng(1)
    kinds = np.arange(count) % 3
    middle = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
    rows = middle[kinds] + random.normal(0, 0.05, (count, 4))
    return [("setosa", "versicolor", "virginica")[kind] for kind in kinds], rows.round(3)


def write_flowers(folder: Path) -> None:
    """Two files without a head line, the species first."""
    species, rows = flowers()
    for half in (0, 1):
        with (folder / f"part-{half}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [name, *row] for name, row in zip(species[half::2], rows[half::2])
            )


def abalones(count: int = 200) -> tuple[np.ndarray, Rows]:
    """Rings and five measures, the second of which is mostly nought."""
    random = np.random.default_rng(2)
    rows = random.uniform(0.1, 1, (count, 5)).round(3)
    rows[:, 1] *= random.random(count) > 0.7
    return (3 + 10 * rows[:, 0] + 4 * rows[:, 4]).round(2), rows


def libsvm(rings: Iterable[float], rows: Rows) -> str:
    """What is nought is left out."""
    return "".join(
        f"{ring} "
        + " ".join(f"{index}:{value}" for index, value in enumerate(row, 1) if value)
        + "\n"
        for ring, row in zip(rings, rows)
    )


def write_abalones(train: Path, validation: Path) -> None:
    rings, rows = abalones()
    (train / "abalone.train").write_text(libsvm(rings[:160], rows[:160]))
    (validation / "abalone.validation").write_text(libsvm(rings[160:], rows[160:]))
