"""The Processing job: flowers as CSV in; out come scaled training and test rows.

What the scaler knows it knows of the training rows alone: the test rows stay unseen. It goes along
with them, so that the model can be asked in centimetres later.

    python3 preprocess.py --input-data FILE_OR_FOLDER --output-data FOLDER
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, StandardScaler

from flowers import DataError, Numbers, Scaling, cells, csv_files, flowers

PROCESSING = "/opt/ml/processing"


def main(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    where = environ.get("SM_CHANNEL_DATA", f"{PROCESSING}/input")  # as byoa process says it
    to = environ.get("SSM_OUTPUT", f"{PROCESSING}/output")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--input-data", "--input_data", type=Path, default=Path(where))
    parser.add_argument("--output-data", "--output_data", type=Path, default=Path(to))
    parser.add_argument("--test_size", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args(argv)
    if not 0 < given.test_size < 1:
        parser.error(f"--test_size is {given.test_size}: name a part, such as 0.2")
    rows, names = flowers(cells(csv_files(given.input_data)))
    for name, count in prepare(rows, names, given.test_size, given.seed, given.output_data).items():
        print(f"{name}: {count} flowers", flush=True)


def prepare(
    rows: Numbers, names: Sequence[str], test_size: float, seed: int, output: Path
) -> dict[str, int]:
    """Writes train/train.csv with its scaling.json, and test/test.csv; how many rows each has."""
    encoder = LabelEncoder().fit(list(names))
    labels = encoder.transform(list(names))
    counts = np.bincount(labels) if len(labels) else np.zeros(1, int)
    if len(counts) < 2 or counts.min() < 2:
        few = ", ".join(f"{n} {name}" for name, n in zip(encoder.classes_, counts)) or "nothing"
        raise DataError(f"The data holds {few}. Give two flowers of each of two species or more.")
    train, test, train_labels, test_labels = train_test_split(
        rows, labels, test_size=test_size, random_state=seed, stratify=labels
    )
    imputer = SimpleImputer(keep_empty_features=True).fit(train)
    scaler = StandardScaler().fit(imputer.transform(train))
    scaling = Scaling(scaler.mean_.tolist(), scaler.scale_.tolist(), encoder.classes_.tolist())
    write(output / "train", scaling.apply(train), train_labels)
    write(output / "test", scaling.apply(test), test_labels)
    scaling.write(output / "train")
    return {"train": len(train), "test": len(test)}


def write(folder: Path, rows: Numbers, labels: Numbers) -> None:
    """The rows as CSV, the species' number last; every digit is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{','.join(map(repr, row))},{label}\n" for row, label in zip(rows.tolist(), labels)]
    (folder / f"{folder.name}.csv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:], os.environ)
    except DataError as error:
        sys.exit(f"preprocess.py: {error}")
