"""Names of a grid's points from their values: the same for the same point, whatever else there is.

Ploomber numbers them by position, so that a value added in the middle renames finished work.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from byoa.plan.pipeline.placeholders import POINT, fill_point, names_of_point

#: Read aloud as it is; anything else becomes a slug and a hash.
PLAIN = re.compile(r"[\w.+=,@~-]{0,64}", re.ASCII)
UNSAFE = re.compile(r"[^\w.+=,@~-]+", re.ASCII)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
SLUG = 32
ALL = 96  #: a suffix of several values is not longer than this


def shown(value: Any) -> str:
    """A value inside a name: `0.1`, `gini`; `http-host-x-1f2e3d4c` for what no file is called."""
    is_one = not isinstance(value, (list, tuple, Mapping, set, frozenset))
    said = spoken(value) if is_one else canonical(value)
    if is_one and PLAIN.fullmatch(said):
        return said
    slug = UNSAFE.sub("-", said).strip("-.")[:SLUG].strip("-.")
    return f"{slug}-{short_hash(value)}" if slug else short_hash(value)


def short_hash(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:8]


def canonical(value: Any) -> str:
    """The same text for the same value, on every machine."""
    return json.dumps(value, sort_keys=True, default=spoken, ensure_ascii=False)


def spoken(value: Any) -> str:
    """A value as text that another process finds the same: a function's name, not its address."""
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(spoken, value)))}}}"
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name else ADDRESS.sub("", str(value))


def suffix(point: Mapping[str, Any], keys: Sequence[str]) -> str:
    """`rf-1-gini`: a point's values, of these keys; shortened by hash when too long."""
    parts = [shown(point[key]) for key in keys if key in point]
    text = "-".join(part for part in parts if part)
    if len(text) <= ALL:
        return text
    return f"{text[:SLUG].strip('-.')}-{short_hash({key: point[key] for key in keys})}"


def axes(grid: Mapping[str, Any]) -> list[str]:
    """The keys that are lists: what makes one point another; all of them where none is."""
    lists = [key for key, value in grid.items() if isinstance(value, (list, tuple))]
    return lists or list(grid)


def rendered(
    template: str, points: Sequence[Mapping[str, Any]], keys: Sequence[Sequence[str]], path: bool
) -> list[str]:
    """A template's text for every point of a grid, all different.

    What mentions no key at all gets the point's values. What mentions some, and is not different
    for every point, gets those that it does not mention.
    """
    mentioned = names_of_point(template)
    made = [fill_point(template, point, shown) for point in points]
    if mentioned and len(set(made)) == len(made):
        return made
    wanted = [
        suffix(point, [key for key in own if key not in mentioned])
        for point, own in zip(points, keys, strict=True)
    ]
    return [
        with_suffix(text, more, path) if more else text
        for text, more in zip(made, wanted, strict=True)
    ]


def with_suffix(text: str, more: str, path: bool) -> str:
    """`model.tar.gz` and `1-gini`: `model-1-gini.tar.gz`."""
    if not path:
        return text + more if text.endswith(("-", "_", ".")) else f"{text}-{more}"
    head, name = posixpath.split(text)
    stem, ending = posixpath.splitext(name)
    inner, before = posixpath.splitext(stem)
    if before == ".tar":
        stem, ending = inner, before + ending
    return posixpath.join(head, with_suffix(stem, more, False) + ending)


def family_of(template: str, fallback: str) -> str:
    """What a grid is called: its name without the [[values]]."""
    words = POINT.sub("\0", template).split("\0") if "[[" in template else [template]
    said = [word.strip("-_. ") for word in words]
    return next((word for word in said if word and "[[" not in word), fallback)


def twice(names: Collection[str]) -> list[str]:
    """Those that are there more than once."""
    seen: set[str] = set()
    return list(dict.fromkeys(name for name in names if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
