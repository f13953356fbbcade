"""Hyperparameters described: as data, and as the page of the guide."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from rules import rules_of

_HEAD = """\
# Hyperparameters of Mask R-CNN

<!-- made by `python mask_r_cnn/hyperparameters.py --markdown`; do not edit -->

| name | default | allowed | what it does |
|---|---|---|---|
"""


def as_schema(kind: type) -> dict[str, Any]:
    """Describes the fields of a dataclass of rules as plain data."""
    unsaid: tuple[object, ...] = (None, "", ())
    entries = []
    for name, default in _defaults(kind).items():
        rule = asdict(rules_of(kind)[name])
        kept = {key: value for key, value in rule.items() if value not in unsaid}
        entries.append({"name": name, "default": default, **kept})
    return {"hyperparameters": entries}


def as_markdown(kind: type) -> str:
    """Writes the page of the guide."""
    lines = []
    for name, default in _defaults(kind).items():
        rule = rules_of(kind)[name]
        shown = rule.unset if default is None else f"`{_shown(default)}`"
        allowed = rule.allowed().replace(" (leave it out for the default)", "")
        unit = f" ({rule.unit})" if rule.unit else ""
        lines.append(f"| `{name}` | {shown} | {allowed}{unit} | {rule.help} |\n")
    return _HEAD + "".join(lines)


def _defaults(kind: type) -> dict[str, Any]:
    return {item.name: item.default for item in fields(kind)}


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
