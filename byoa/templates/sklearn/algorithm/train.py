"""Learns the last column of CSV files from the others. Script mode: hyperparameters come as
arguments, folders as SM_* variables. Without a training channel it makes some data itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_score


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=None)
    arguments, _ = parser.parse_known_args()

    rows = read(os.environ.get("SM_CHANNEL_TRAINING"))
    model = RandomForestRegressor(arguments.trees, max_depth=arguments.depth, random_state=0)
    score = cross_val_score(model, rows[:, :-1], rows[:, -1]).mean()
    print(f"score={score:.6f};", flush=True)

    folder = Path(os.environ.get("SM_MODEL_DIR", "model"))
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model.fit(rows[:, :-1], rows[:, -1]), folder / "model.joblib")


def read(folder: str | None) -> np.ndarray:
    """The rows of every CSV file of the channel."""
    if folder is None:
        inputs = np.random.default_rng(0).random((200, 3))
        return np.column_stack([inputs, inputs.sum(1)])
    files = sorted(Path(folder).glob("*.csv"))
    if not files:
        raise SystemExit(f"{folder} holds no *.csv with rows of numbers: give some with --data")
    return np.concatenate([np.loadtxt(file, delimiter=",", ndmin=2) for file in files])


if __name__ == "__main__":
    main()
