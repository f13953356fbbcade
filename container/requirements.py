"""Installs what a user's program asks for in requirements.txt, before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from container.errors import RequirementsError
from container.pip import DEFAULTS, FILE, PIP
from container.process import Launch, run
from container.program import Program
from container.signals import Signals

PACKAGE = "setup.py"  # a source that is a package is installed as one, as sagemaker-training does
GRACE = 10.0
_OFFLINE = ("after connection broken by", "Could not fetch URL", "Failed to establish")


def files(program: Program) -> list[Path]:
    """requirements.txt at the root of the source and beside the program; the source's setup.py."""
    if program.is_ours:
        return []  # the image holds what its own algorithm needs
    folders = dict.fromkeys((program.folder, program.path.parent))
    wanted = [*(folder / FILE for folder in folders), program.folder / PACKAGE]
    return [path for path in wanted if path.is_file()]


def install(
    program: Program, environ: Mapping[str, str], signals: Signals, log: Callable[[str], None]
) -> None:
    """Runs pip for each file; returns early when a stop is asked for."""
    for file in files(program):
        log(f"installing {file}")
        what = ["."] if file.name == PACKAGE else ["-r", str(file)]
        launch = Launch(
            command=[*PIP, *what],
            folder=file.parent,
            environ={**DEFAULTS, **environ},
            keep_stderr=True,
            grace=GRACE,
        )
        ended = run(launch, signals, log)
        if signals.stop is not None:
            return
        if ended.code != 0:
            raise RequirementsError(_sentence(file, ended.stderr))


def _sentence(file: Path, stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.lower().startswith("error:")]
    said = errors[-1][len("ERROR:") :].strip(" .") if errors else "the log says why"
    advice = "Correct the file."
    if any(sign in stderr for sign in _OFFLINE):
        advice = (
            "No package index can be reached (network isolation?): build the packages into the"
            " image, or put wheels beside the file and start it with"
            " --no-index --find-links ./wheels."
        )
    return f"{file} could not be installed: {said}. {advice}"
