"""What decides a task's result, as one hash, and in words what changed between two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

#: The parts whose values are hashes: that they changed is all there is to say.
OPAQUE = {"code": "code", "data": "data", "image": "image"}
MOST_NAMES = 5


def digest(parts: Mapping[str, Any]) -> str:
    """The hash of the parts, whatever the order of their keys; numbers are not their texts."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One sentence a part that changed; none when the two mean the same."""
    return [
        sentence
        for part in sorted(old.keys() | new.keys())
        if old.get(part) != new.get(part)
        for sentence in sentences(part, old.get(part), new.get(part))
    ]


def sentences(part: str, old: Any, new: Any) -> Iterator[str]:
    if not isinstance(old, Mapping | None) or not isinstance(new, Mapping | None):
        yield f"{part} changed" if part in OPAQUE else f"{part}: {shown(old)} → {shown(new)}"
        return
    old, new = old or {}, new or {}
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if part not in OPAQUE:
        singular = part.removesuffix("s")
        for key in changed:
            yield f"{singular} {key}: {shown(old.get(key))} → {shown(new.get(key))}"
        return
    said = [f"{key} {happened(key, old, new)}" for key in changed]
    more = f" and {len(said) - MOST_NAMES} more" if len(said) > MOST_NAMES else ""
    yield f"{OPAQUE[part]}: {', '.join(said[:MOST_NAMES])}{more}"


def happened(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return "added" if key not in old else "removed" if key not in new else "changed"


def shown(value: Any) -> str:
    """A value as a person would write it; what is not set says so."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
