"""`doctor`: looks whether this image, or this checkout, can train and serve, and says what not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from container import __version__
from container.checkup import checkup
from container.finding import Finding, State

USAGE = """\
usage: doctor [--help | --version] [--budget-mb N]

Checks programs, line endings, imports, versions, GPU and driver, shared memory and
size, one line each. The exit code is 1 when something must be repaired.

  --budget-mb N   fail when the image is larger than N megabytes
"""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """The exit code of `doctor`."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    environ = os.environ if environ is None else environ
    if "--help" in arguments or "-h" in arguments:
        sys.stdout.write(USAGE)
        return 0
    if "--version" in arguments:
        print(f"byoa doctor {__version__}, Python {sys.version.split()[0]}")
        return 0
    budget = _budget(arguments)
    if budget is None and arguments:
        sys.stderr.write(f"doctor: cannot read {' '.join(arguments)!r}\n{USAGE}")
        return 2
    failed = 0
    for finding in checkup(environ, budget):
        failed += finding.state is State.FAIL
        print(_line(finding), flush=True)
    print(f"{failed} to repair" if failed else "healthy")
    return 1 if failed else 0


def _budget(arguments: Sequence[str]) -> int | None:
    """The number after --budget-mb, or joined to it by `=`."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    if len(words) == 2 and words[0] == "--budget-mb" and words[1].isdigit():
        return int(words[1])
    return None


def _line(finding: Finding) -> str:
    return f"{finding.state.value:<5} {finding.name:<14} {finding.text}"
