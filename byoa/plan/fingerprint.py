"""What decides a task's result, and in words what changed between two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

#: The parts whose values are hashes: that one changed is all there is to say.
OPAQUE = ("code", "data", "image")
MOST_NAMES = 5


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What changed: "code: train.py changed, x.py added", "parameter lr: 0.1 → 0.2"."""
    return [
        sentence
        for part in sorted(old.keys() | new.keys())
        for sentence in sentences(part, old.get(part), new.get(part))
    ]


def sentences(part: str, old: Any, new: Any) -> Iterator[str]:
    if not isinstance(old or {}, Mapping) or not isinstance(new or {}, Mapping):
        if old != new:
            yield f"{part} changed" if part in OPAQUE else f"{part}: {shown(old)} → {shown(new)}"
        return
    old, new = old or {}, new or {}
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if part not in OPAQUE:
        for key in changed:
            yield f"{part.removesuffix('s')} {key}: {shown(old.get(key))} → {shown(new.get(key))}"
    elif changed:
        word = {(True, True): "changed", (True, False): "removed", (False, True): "added"}
        said = [f"{key} {word[key in old, key in new]}" for key in changed]
        more = f" and {len(said) - MOST_NAMES} more" if len(said) > MOST_NAMES else ""
        yield f"{part}: {', '.join(said[:MOST_NAMES])}{more}"


def shown(value: Any) -> str:
    """A value as a person would write it; what is not set says so."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
