"""The log of `train`: plain lines on stderr, at once."""

from __future__ import annotations

import sys


def log(line: str) -> None:
    """Writes one line. A log that nobody reads any more must not end the job."""
    try:
        sys.stderr.write(f"train: {line}\n")
        sys.stderr.flush()
    except OSError:
        pass
