"""What a model's own code asks for in requirements.txt, installed before the model is loaded."""

from __future__ import annotations

from pathlib import Path

from container.pip import DEFAULTS, FILE, PIP
from container.serving.child import Command
from container.serving.handler import candidates
from container.serving.settings import Settings
from container.serving.surroundings import Surroundings


def wanted(settings: Settings) -> Path | None:
    """requirements.txt beside the predictor; the image holds what its own algorithm needs."""
    predictor = next((path for path in candidates(settings) if path.is_file()), None)
    if predictor is None or predictor.parent == settings.algorithm:
        return None
    file = predictor.parent / FILE
    return file if file.is_file() else None


def command(file: Path, around: Surroundings) -> Command:
    """pip for it: as root where we are root, since the user that serves may write nothing."""
    arguments = [*PIP, "--quiet", "-r", str(file)]
    return Command("pip", arguments, {**DEFAULTS, **around.environ}, folder=file.parent)


def sentence(file: Path) -> str:
    """What the log says when pip fails, after pip's own words."""
    return (
        f"{file} could not be installed (pip says why above): correct it; for an endpoint without"
        " network, build the packages into the image, or begin the file with --no-index"
        " --find-links ./wheels"
    )
