"""Checkpoints that are whole or not there: atomic to write, proved when read.

The file's name ends in the first 16 digits of its own SHA-256: a torn or bit-flipped file
no longer fits its name and is passed over for the one before. One rename makes it appear,
so SageMaker's sync, which uploads while we write, never sees half of one.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

_NAME = re.compile(r"checkpoint-(\d{9})-([0-9a-f]{16})\.pt")
_KEPT = 2


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write `state` (tensors and plain values) and drop all but the newest checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getbuffer()
    path = folder / f"checkpoint-{step:09d}-{hashlib.sha256(data).hexdigest()[:16]}.pt"
    temporary = folder / f".{path.name}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(folder)
    for old in [p for p in _newest_first(folder) if p != path][_KEPT - 1 :]:
        old.unlink(missing_ok=True)
    return path


def load_newest(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that is whole, None when there is none; broken ones are told."""
    for path in _newest_first(folder):
        data = path.read_bytes()
        match = _NAME.fullmatch(path.name)
        if match and hashlib.sha256(data).hexdigest()[:16] == match[2]:
            return path, torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        print(
            f"checkpoint {path.name} is damaged (its SHA-256 is another): passed over",
            file=sys.stderr,
        )
    return None


def _newest_first(folder: Path) -> Iterator[Path]:
    found = [p for p in folder.glob("checkpoint-*.pt") if _NAME.fullmatch(p.name)]
    return iter(sorted(found, key=lambda p: (p.name[:20], p.stat().st_mtime), reverse=True))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
