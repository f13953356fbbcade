"""Prints scikit-learn's own 150 flowers as the UCI file has them: rows without a head line."""

from __future__ import annotations

from sklearn.datasets import load_iris

if __name__ == "__main__":
    data = load_iris()
    for row, label in zip(data.data.tolist(), data.target):
        print(*row, f"Iris-{data.target_names[label]}", sep=",")
