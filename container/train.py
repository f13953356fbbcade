"""`train`: runs the training program of this image, or the one that the job names."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from container import __version__
from container.describe import describe
from container.errors import HarnessError
from container.log import log
from container.signals import Signals
from container.training import Training

USAGE = """\
usage: train [--help | --version | --describe] [ARGUMENT ...]

Runs the training program of this image, or the one that the job names, as
SageMaker would: input below /opt/ml (or SAGEMAKER_BASE_DIR), hyperparameters as
--name value, surroundings as SM_* variables.

  --describe   print the hyperparameters of the image's algorithm as JSON
  ARGUMENT     passed to the program after the hyperparameters

settings: SAGEMAKER_BASE_DIR, BYOA_ALGORITHM, BYOA_STOP_GRACE (seconds that a stop
may take), BYOA_HOST_WAIT (seconds to wait for the other hosts' names),
BYOA_ALLOW_CPU=1 (train on a GPU instance that shows no GPU)
"""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """The exit code of `train`."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    environ = os.environ if environ is None else environ
    if arguments[:1] == ["train"]:
        del arguments[0]  # ENTRYPOINT ["train"] and SageMaker's own argument
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        return 0
    if arguments == ["--version"]:
        print(f"byoa train {__version__}, Python {sys.version.split()[0]}")
        return 0
    with Signals() as signals:
        if arguments == ["--describe"]:
            return _describe(dict(environ), signals)
        return Training(arguments, dict(environ), signals).exit_code()


def _describe(environ: dict[str, str], signals: Signals) -> int:
    try:
        return describe(environ, signals, log)
    except HarnessError as error:
        log(f"{type(error).__name__}: {error}")
        return 1
