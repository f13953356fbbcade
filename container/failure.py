"""The failure file: what a job's owner reads first, in 1,024 characters at most.

SageMaker shows the first 1,024 characters of it as FailureReason, so the cause comes first, then
what to do, then where it happened. The first writer wins: nothing here replaces a file that the
user's program wrote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from container.hints import hint
from container.masking import mask, secret_values

LONGEST = 1024
LONGEST_ADVICE = 360

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def compose(headline: str, environ: Mapping[str, str], details: str = "") -> str:
    """A failure text: the headline, advice where we have some, then as much detail as fits."""
    secrets = secret_values(environ)
    headline = _clean(mask(headline, secrets))
    advice = _clean(hint(f"{headline}\n{details}", environ))[:LONGEST_ADVICE]
    details = _clean(mask(details, secrets))
    if details in headline:
        details = ""
    room = LONGEST - len(advice) - min(len(details), LONGEST_ADVICE) - 2
    parts = [_cut(headline, room), advice, details]
    return "\n".join(part for part in parts if part)[:LONGEST]


def _clean(text: str) -> str:
    return _ESCAPES.sub("", text.replace("\r\n", "\n")).strip()


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 4] + " ..."


def write(path: Path, text: str) -> bool:
    """Writes the file unless there is one; False when it was there, or cannot be written.

    It appears whole: written aside, then linked into place, which fails if the name is taken.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(text.encode("utf-8", "backslashreplace"))
        try:
            os.link(aside, path)
        finally:
            aside.unlink()
    except FileExistsError:
        return False
    except OSError:
        return _write_in_place(path, text)
    return True


def _write_in_place(path: Path, text: str) -> bool:
    """For file systems without hard links."""
    try:
        with path.open("xb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError:
        return False
    return True


def read(path: Path) -> str:
    """What a failure file says; empty when there is none."""
    try:
        return path.read_bytes()[: 4 * LONGEST].decode("utf-8", "replace").strip()
    except OSError:
        return ""
