"""What can be set: `python3 hyperparameters.py --schema` prints it, and the image carries it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

SETTINGS = (
    {"name": "C", "default": 1.0, "kind": "number", "minimum": 1e-9, "maximum": 1e9,
     "help": "How freely the model may fit: small is stiff."},
    {"name": "max_iter", "default": 200, "kind": "integer", "minimum": 1, "maximum": 100000,
     "help": "Most passes of the solver."},
)  # fmt: skip
METRICS = [
    {"Name": name, "Regex": rf"\b{name}=([0-9.]+);"}
    for name in ("train_accuracy", "validation_accuracy")
]


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train")
    for setting in SETTINGS:
        kind = int if setting["kind"] == "integer" else float
        parser.add_argument(
            f"--{setting['name']}", type=kind, default=setting["default"], help=str(setting["help"])
        )
    return parser.parse_args(argv)


if __name__ == "__main__":
    if sys.argv[1:] != ["--schema"]:
        sys.exit("hyperparameters.py: say --schema")
    print(json.dumps({"hyperparameters": SETTINGS, "metrics": METRICS}, indent=2))
