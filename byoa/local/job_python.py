"""A Python for one process job whose source wants packages: they never end up in the user's own.

`train` runs pip for a requirements.txt. In a container that is nobody's loss; here it would change
the very environment that byoa runs in. So the job gets a virtual environment on top of that one:
what is there is seen, what is installed lies in the job's folder and goes with it.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

from byoa.local.harness import python

WANT_PIP = {"requirements.txt", "setup.py"}
_SITES = "import json, site, sys; print(json.dumps([p for p in sys.path if 'site-packages' in p]))"


def job_python(base: Path) -> str:
    """The Python of a job whose /opt/ml is `base`: byoa's, or one of its own on top of it."""
    if not wants_packages(base):
        return python()
    folder = base / "python"
    if not folder.exists():
        make(folder)
    return str(folder / "bin" / "python")


def wants_packages(base: Path) -> bool:
    """Whether the source that the job was sent has a file that pip is run for."""
    archive = base / "input" / "data" / "code" / "sourcedir.tar.gz"
    try:
        with tarfile.open(archive) as tar:
            return any(Path(name).name in WANT_PIP for name in tar.getnames())
    except (OSError, tarfile.TarError, EOFError):
        return False


def make(folder: Path) -> None:
    """A virtual environment in which everything of byoa's Python can be imported."""
    subprocess.run([python(), "-m", "venv", "--without-pip", str(folder)], check=True)
    found = subprocess.run([python(), "-c", _SITES], capture_output=True, check=True, text=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # A line that begins with import is run: the .pth files of those folders count, too.
    lines = [f"import site; site.addsitedir({path!r})\n" for path in json.loads(found.stdout)]
    (site / "byoa.pth").write_text("".join(lines))
