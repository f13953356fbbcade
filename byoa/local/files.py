"""State on disk: JSON files that are whole or not there, with times in them."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from byoa.plan.errors import ByoaError

_TIME = "$time"


def now() -> datetime:
    return datetime.now(timezone.utc)


def write_json(path: Path, content: Any) -> None:
    """Replaces a file at once: whoever reads sees the old or the new content, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, default=_encode, indent=1)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """What a file holds; None where there is no file."""
    try:
        return json.loads(path.read_bytes(), object_hook=_decode)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ByoaError(
            f"{path} is damaged ({error}), by a crash of this machine perhaps. Remove the folder"
            f" {path.parent}: what it stands for is lost."
        ) from None


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.timestamp()}
    raise TypeError(f"{type(value).__name__} is no JSON")


def _decode(found: dict[str, Any]) -> Any:
    if found.keys() == {_TIME}:
        return datetime.fromtimestamp(found[_TIME], timezone.utc)
    return found
