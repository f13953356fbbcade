"""Placeholders that need not be written down: {{user}}, {{git_hash}}, {{env.HOME}} and such."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from byoa.plan.pipeline.placeholders import Missing

Clock = Callable[[], datetime]
GIT_SECONDS = 30


def built_in(
    root: Path,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    clock: Clock = datetime.now,
) -> Callable[[str], Any]:
    """The value of each built-in placeholder, worked out when it is first asked for."""
    known: dict[str, Callable[[], Any]] = {
        "user": getpass.getuser,
        "cwd": lambda: str((cwd or Path.cwd()).resolve()),
        "now": lambda: clock().isoformat(),
        "root": lambda: str(root),
        "here": lambda: str(folder),
        "git": lambda: branch(folder) or described(folder),
        "git_hash": lambda: described(folder),
        "env": lambda: dict(os.environ if environ is None else environ),
    }

    @cache
    def value(name: str) -> Any:
        return known[name]()

    return value


def described(folder: Path, name: str = "git_hash") -> str:
    """A tag, or the commit's short hash; `-dirty` where the working tree differs."""
    said = git(folder, "describe", "--tags", "--always", "--dirty=-dirty")
    if not said:
        raise Missing(name)
    return said


def branch(folder: Path) -> str:
    """The branch, "" when none is checked out; Missing where there is no commit."""
    described(folder, "git")
    return git(folder, "symbolic-ref", "--short", "HEAD")


def git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
