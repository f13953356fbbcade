"""`train --describe`: the hyperparameters of the image's algorithm, as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from container.algorithm import find_algorithm, insist_on_training
from container.errors import ProgramError
from container.process import Launch, run
from container.signals import Signals

SCHEMA = "hyperparameters.py"


def describe(environ: Mapping[str, str], signals: Signals, log: Callable[[str], None]) -> int:
    """Prints what the algorithm's own hyperparameters.py --schema prints; its exit code."""
    insist_on_training(environ)
    folder = find_algorithm(environ)
    if not (folder / SCHEMA).is_file():
        raise ProgramError(
            f"{folder.name} does not describe its hyperparameters: there is no {SCHEMA} in"
            f" {folder}. Look at its train.py instead."
        )
    command = [sys.executable, SCHEMA, "--schema"]
    return run(Launch(command=command, folder=folder, environ=environ), signals, log).code
