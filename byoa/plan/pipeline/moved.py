"""Records that leave their machine: where they name the project's folder they say {{root}}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from byoa.plan.pipeline.model import Fingerprint, Record

ROOT = "{{root}}"
#: Placeholders that the image cannot work out: whoever submits says them.
FROM_HERE = ("git", "git_hash", "now", "user")


def away(fingerprint: Fingerprint, root: str) -> Fingerprint:
    """Without this machine's folder in parameters and options, so that it fits any other."""
    return changed(fingerprint, root.rstrip("/"), ROOT)


def here(record: Record, root: str) -> Record:
    """A record from elsewhere with this machine's folder in it."""
    return replace(record, fingerprint=changed(record.fingerprint, ROOT, root.rstrip("/")))


def changed(fingerprint: Fingerprint, old: str, new: str) -> Fingerprint:
    if not old:
        return fingerprint
    return replace(
        fingerprint,
        params=swapped(fingerprint.params, old, new),
        options=swapped(fingerprint.options, old, new),
    )


def swapped(value: Any, old: str, new: str) -> Any:
    """Every text that is a path at or below `old`, below `new` instead."""
    if isinstance(value, str):
        below = value == old or value.startswith(f"{old}/")
        return new + value[len(old) :] if below else value
    if isinstance(value, Mapping):
        return {key: swapped(item, old, new) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [swapped(item, old, new) for item in value]
    return value


def asked_for(text: str) -> set[str]:
    """Which of FROM_HERE a file's placeholders name."""
    return {name for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", text) if name in FROM_HERE}
