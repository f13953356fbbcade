"""The build folder of an algorithm that brings no Dockerfile: the toolkit's own files beside it.

The toolkit is what the root of a clone holds and a wheel carries along: Dockerfile, container/,
requirements/, build_and_push.sh. So a user's folder holds the algorithm alone, and an image built
next year with a newer byoa has the newer harness.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from byoa import files
from byoa.local.harness import harness
from byoa.plan import ignore
from byoa.plan.errors import UsageError
from byoa.progress import say

#: In the order in which the Dockerfile names them.
FILES = ("Dockerfile", "build_and_push.sh", "buildspec.yml", "LICENSE")
HARNESS = "container"
#: Of requirements/, what the Dockerfile copies: a developer's lock files stay where they are.
REQUIREMENTS = (
    *("image.txt", "serve.txt", "harness.txt", "harness.in"),
    *("install.sh", "strip.sh", "own.sh", "pretrained.py"),
)
RUBBISH = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
IGNORED = "*\n!container\n!{algorithm}\n!requirements\n**/__pycache__\n**/*.pyc\n**/.*\n"


def root() -> Path:
    """Where the toolkit's files are: a clone's root, or what the wheel carries."""
    return harness().parent


@contextmanager
def staged(algorithm: Path) -> Iterator[Path]:
    """A folder to build `algorithm` in, gone afterwards."""
    name = algorithm.resolve().name
    if name in (HARNESS, "requirements"):
        raise UsageError(f"An algorithm's folder cannot be called {name}. Rename {algorithm}.")
    with TemporaryDirectory(prefix="byoa-build-") as made:
        folder = Path(made)
        for file in FILES:
            shutil.copy(part(file), folder)
        shutil.copytree(part(HARNESS), folder / HARNESS, ignore=RUBBISH)
        (folder / "requirements").mkdir()
        for file in REQUIREMENTS:
            shutil.copy(part(f"requirements/{file}"), folder / "requirements")
        lay(algorithm, folder / name)
        (folder / ".dockerignore").write_text(IGNORED.format(algorithm=name), encoding="utf-8")
        yield folder


def lay(algorithm: Path, target: Path) -> None:
    """The algorithm's files: no caches, nothing hidden, nothing that looks like a secret."""
    if not algorithm.is_dir():
        raise UsageError(f"There is no folder {algorithm}. Name the algorithm's folder.")

    def skip(name: str) -> bool:
        last = name.rstrip("/").rpartition("/")[2]
        if last.startswith(".") or ignore.rubbish(last):
            return True
        if what := ignore.secret(last):
            say(f"{algorithm / name} looks like {what}: it stays out of the image")
        return what is not None

    target.mkdir()
    for name, file in files.look(algorithm, skip).files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, path)


def part(name: str) -> Path:
    """One of the toolkit's files or folders."""
    path = root() / name
    if not path.exists():
        raise UsageError(
            f"This byoa has no {path}, which an image is built from. Install it anew from a wheel"
            " or a clone, or give the folder a Dockerfile of its own."
        )
    return path
