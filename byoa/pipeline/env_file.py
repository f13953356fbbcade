"""env.yaml read from disk, with the file that it imports from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.pipeline import document
from byoa.plan.errors import UsageError


def env_values(path: Path, depth: int = 0) -> dict[str, Any]:
    """env.yaml's mapping, on top of the one that its meta.import_from names."""
    raw = document.read(path)
    if not isinstance(raw, Mapping):
        raise UsageError(f"{path} is no mapping of placeholders to values.")
    meta = raw.get("meta")
    if meta is None:
        return raw  # type: ignore[return-value]
    if not isinstance(meta, Mapping) or set(meta) != {"import_from"} or depth > 5:
        raise UsageError(f"{path}: meta is {dict(meta) if isinstance(meta, Mapping) else meta!r}."
                         " Write import_from: OTHER.yaml.")  # fmt: skip
    other = path.parent / str(meta["import_from"])
    own = {key: value for key, value in raw.items() if key != "meta"}
    return merged(env_values(other, depth + 1), own)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings, the second on top, mapping by mapping."""
    made = dict(below)
    for key, value in above.items():
        inner = made.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        made[key] = merged(inner, value) if both else value  # type: ignore[arg-type]
    return made
