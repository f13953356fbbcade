"""Learns the species of flowers: an ordinary script-mode program.

The channel `training` (or `train`) holds what preprocess.py made of the training flowers, the
channel `validation` (or `test`) the flowers that the accuracy is measured on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from flowers import FEATURES, DataError, Numbers, Scaling, cells, csv_files
from hyperparameters import parse

MODEL = "model.json"


def main(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    chosen = parse(argv)
    training = channel(environ, "training", "train")
    held_out = channel(environ, "validation", "test")
    if training is None:
        raise DataError("There is no channel `training`. Give it what preprocess.py wrote.")
    scaling = Scaling.read(training)
    rows, labels = labelled(training)
    model = LogisticRegression(C=chosen.C, max_iter=chosen.max_iter).fit(rows, labels)
    print(f"train_accuracy={model.score(rows, labels):.4f};", flush=True)
    if held_out is not None:
        print(f"validation_accuracy={model.score(*labelled(held_out)):.4f};", flush=True)
    save(model, scaling, Path(environ.get("SM_MODEL_DIR", "/opt/ml/model")))


def channel(environ: Mapping[str, str], *names: str) -> Path | None:
    """The folder of the first of the channels that is there."""
    found = (environ.get(f"SM_CHANNEL_{name.upper()}") for name in names)
    return next((Path(folder) for folder in found if folder), None)


def labelled(folder: Path) -> tuple[Numbers, Numbers]:
    """Scaled rows and the species' numbers of a channel."""
    table = np.array(cells(csv_files(folder)), dtype=float)
    if table.ndim != 2 or table.shape[1] != len(FEATURES) + 1:
        raise DataError(f"{folder} holds no rows that preprocess.py wrote. Run it first.")
    return table[:, :-1], table[:, -1].astype(int)


def save(model: LogisticRegression, scaling: Scaling, folder: Path) -> None:
    """The model as text: no pickle, so that nothing is run when it is loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    learned = {"coefficients": model.coef_.tolist(), "intercepts": model.intercept_.tolist()}
    learned |= {"classes": model.classes_.tolist()}
    (folder / MODEL).write_text(json.dumps(learned, indent=2) + "\n", encoding="utf-8")
    scaling.write(folder)


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
