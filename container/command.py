"""How a program is run: Python through our wrapper, anything else by its own first line."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from container.errors import ProgramError

WRAPPER = Path(__file__).absolute().parent / "run_python.py"


@dataclass(frozen=True, slots=True)
class Command:
    """The words that start a program; whether it is Python that our wrapper watches."""

    words: tuple[str, ...]
    is_python: bool


def command(folder: Path, entry: str) -> Command:
    """What runs `entry`, a path inside `folder`, which will be the working folder."""
    path = folder / entry
    head = _head(path)
    interpreter = _interpreter(head)
    if entry.endswith(".py") or (interpreter and _is_python(interpreter[0])):
        return Command((sys.executable, str(WRAPPER), entry), True)
    if head.startswith(b"\x7fELF"):
        return Command((_executable(path),), False)
    if b"\r\n" in head:
        raise ProgramError(
            f"{path} has Windows line ends (CRLF), which a shell cannot read."
            f" Save it with LF ends: sed -i 's/\\r$//' {entry}"
        )
    # Named by its interpreter, the script needs no executable bit.
    return Command((*(interpreter or ["/bin/bash"]), _explicit(entry)), False)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise ProgramError(
            f"{path} cannot be read: {error.strerror}. Make it a readable file."
        ) from None


def _interpreter(head: bytes) -> list[str]:
    """The words after #!, without `env`; none when there is no such line."""
    if not head.startswith(b"#!"):
        return []
    words = shlex.split(head[2:].splitlines()[0].decode("utf-8", "replace"), posix=True)
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
    return words


def _is_python(interpreter: str) -> bool:
    return Path(interpreter).name.startswith("python")


def _executable(path: Path) -> str:
    if not os.access(path, os.X_OK):
        try:
            path.chmod(path.stat().st_mode | 0o755)
        except OSError:
            raise ProgramError(
                f"{path} is not executable. Make it so: chmod +x {path.name}"
            ) from None
    return str(path)


def _explicit(entry: str) -> str:
    """A path that no shell takes for an option or looks up on PATH."""
    return entry if entry.startswith("/") else f"./{entry}"
