"""The tasks: each gets where to write, what other tasks made, and its parameters."""

import csv
import json
import random
from collections.abc import Mapping
from pathlib import Path

Files = Mapping[str, Path]


def get(product: Path, rows: int) -> None:
    """Points around a parabola."""
    made = random.Random(1)
    with Path(product).open("w", newline="") as file:
        for _ in range(rows):
            x = made.uniform(-1, 1)
            csv.writer(file).writerow([x, 2 * x * x - x + made.gauss(0, 0.1)])


def fit(product: Files, upstream: Files, degree: int, strength: float) -> None:
    """A polynomial by gradient descent; its error on every fourth point is the metric."""
    with Path(upstream["get"]).open(newline="") as file:
        rows = [(float(x), float(y)) for x, y in csv.reader(file)]
    weights = [0.0] * (degree + 1)
    for _ in range(200):
        for number, (x, y) in enumerate(rows):
            if number % 4:
                wrong = value(weights, x) - y
                for power in range(degree + 1):
                    weights[power] -= 0.02 * (wrong * x**power + strength * weights[power])
    errors = [(value(weights, x) - y) ** 2 for x, y in rows[::4]]
    Path(product["model"]).write_text(json.dumps(weights))
    Path(product["metrics"]).write_text(json.dumps({"error": sum(errors) / len(errors)}))


def value(weights: list[float], x: float) -> float:
    return sum(weight * x**power for power, weight in enumerate(weights))


def choose(product: Path, upstream: Mapping[str, Mapping[str, Files]]) -> None:
    """The fit with the smallest error."""
    errors = {
        name: json.loads(Path(made["metrics"]).read_text())["error"]
        for name, made in upstream["fit-*"].items()
    }
    best = min(errors, key=lambda name: errors[name])
    Path(product).write_text(json.dumps({"task": best, "error": errors[best]}) + "\n")
