"""Stand-ins for the modules of AWS's framework images that users' scripts import.

A script written for such an image may say `from sagemaker_inference import decoder`. The folder
comes last on `sys.path`, so a package of that name that is installed is the one that is found.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = str(Path(__file__).resolve().parent)


def offer() -> None:
    """Make the stand-ins importable in this process, after everything else."""
    if FOLDER not in sys.path:
        sys.path.append(FOLDER)
