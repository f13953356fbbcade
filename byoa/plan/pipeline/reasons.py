"""Why a task runs: two fingerprints compared, and said in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from byoa.plan.fingerprint import shown
from byoa.plan.pipeline.fingerprint import text
from byoa.plan.pipeline.model import Fingerprint, Reason, ReasonKind

LONGEST = 60
#: Behind a label of what was written to while the task ran.
MEANWHILE = " (while it ran)"
#: So many names are said of those that the same happened to.
NAMED = 3
FOLDED = re.compile(r"(?:upstream )?(.+) (added|removed|changed|is missing)")


def differences(old: Fingerprint, new: Fingerprint) -> tuple[Reason, ...]:
    """All that two fingerprints differ in, but for the upstream's bytes."""
    return (
        *sources(old.source, new.source),
        *values("parameter", old.params, new.params),
        *values("option", old.options, new.options),
        *hashes("resource", old.resources, new.resources),
        *values("product", old.products, new.products),
        *images(old.image, new.image),
    )


def sources(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Reason]:
    """Changes of the task's own code ("") and of what it uses of local modules."""
    for label, word in changes(old, new):
        if label.endswith(MEANWHILE):
            yield Reason("module", f"{label.removesuffix(MEANWHILE)} was edited while it ran")
        elif label:
            yield Reason("module", f"{label} {word}")
        else:
            yield Reason("source", f"source {word}")


def values(kind: ReasonKind, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Reason]:
    """What is shown with both values, unless they are secrets."""
    for key, word in changes(old, new):
        name = f"{kind} {key}" if key else kind
        if word == "removed" or is_hidden(old.get(key)) or is_hidden(new.get(key)):
            yield Reason(kind, f"{name} {word}")
        elif word == "added":
            yield Reason(kind, f"{name} added: {said(new[key])}")
        else:
            yield Reason(kind, f"{name}: {said(old[key])} → {said(new[key])}")


def hashes(kind: ReasonKind, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Reason]:
    for key, word in changes(old, new):
        gone = word == "changed" and not new[key]
        yield Reason(kind, f"{kind} {key} {'is missing' if gone else word}")


def images(old: str, new: str) -> Iterator[Reason]:
    """A record without an image says nothing about it: it was made outside of one."""
    if old and new and old != new:
        yield Reason("image", f"image: {said(old)} → {said(new)}")


def upstream(old: Mapping[str, str], new: Mapping[str, str | None]) -> Iterator[Reason]:
    """What upstream gives other bytes than the last time; None is not yet known."""
    for key in new:
        if key not in old:
            yield Reason("upstream", f"upstream {key} added")
        elif new[key] is not None and new[key] != old[key]:
            word = "changed" if new[key] else "is missing"
            yield Reason("upstream", f"upstream {key} {word}")
    for key in old.keys() - new.keys():
        yield Reason("upstream", f"upstream {key} removed")


def in_words(reasons: Iterable[Reason]) -> str:
    """All of a task's reasons in a line for people: what happened to many names is said once."""
    said: dict[str, None] = {}
    names: dict[str, dict[str, None]] = {}
    for reason in reasons:
        found = FOLDED.fullmatch(reason.text) if reason.kind in ("upstream", "module") else None
        if found is None:
            said[reason.text] = None
            continue
        kind = "upstream " if reason.kind == "upstream" else ""
        name = found[1].partition(":")[0] if kind else found[1]
        where = f"{kind}{{}} {found[2]}"
        said[where] = None
        names.setdefault(where, {})[name] = None
    return "; ".join(one.replace("{}", some(names[one])) if one in names else one for one in said)


def some(names: Collection[str]) -> str:
    first = list(names)[:NAMED]
    more = len(names) - len(first)
    return f"{', '.join(first)} and {more} more" if more else " and ".join(join_last(first))


def join_last(names: list[str]) -> list[str]:
    return [", ".join(names[:-1]), names[-1]] if len(names) > 1 else names


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each key that differs, and how: changed, added, removed."""
    if old == new and not any(
        isinstance(value, int | float | list | dict) for value in new.values()
    ):
        return []
    words = {(True, True): "changed", (False, True): "added", (True, False): "removed"}
    return [
        (key, words[key in old, key in new])
        for key in dict.fromkeys([*new, *old])
        if key not in old or key not in new or not same(old[key], new[key])
    ]


def same(old: Any, new: Any) -> bool:
    """Equal as JSON: 1 and true are equal in Python and not the same parameter."""
    if type(old) is str and type(new) is str:
        return old == new
    return text(old) == text(new)


def is_hidden(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"hidden"}


def said(value: Any) -> str:
    """A value in a sentence, cut where it is long."""
    if isinstance(value, Mapping) and value.keys() == {"begins", "sha256"}:
        return f"{value['begins']}… ({value['sha256'][:8]})"
    words = shown(value) if value is not None else "null"
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
