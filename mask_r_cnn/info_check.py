"""Whether a model.json says what a training job could have written: it may be a stranger's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from hyperparameters import Hyperparameters
from rules import Rule

# A job writes its own hyperparameters of these names.
_ALIKE = ("backbone", "min_size", "max_size", "score_threshold", "max_detections", "precision")
_NORMS = ("frozen", "batch", "group")
_KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "choice": (str,),
}


def check_values(told: Mapping[str, Any]) -> None:
    """A ValueError whose sentence names the first value that cannot be meant."""
    for one in fields(Hyperparameters):
        if one.name in _ALIKE and one.name in told:
            _check(one.name, told[one.name], one.metadata["rule"])
    if told["max_size"] < told["min_size"]:
        raise ValueError(f"max_size is {told['max_size']}, below min_size ({told['min_size']})")
    if told["norm"] not in _NORMS:
        raise ValueError(f"norm is {_short(told['norm'])}, it must be one of {', '.join(_NORMS)}")
    _check_classes(told["class_names"], told["category_ids"])
    for name in ("metrics", "versions"):
        if not isinstance(told.get(name, {}), dict):
            raise ValueError(f"{name} is {_short(told[name])}, it must be an object")


def _check(name: str, value: Any, rule: Rule) -> None:
    fits = isinstance(value, _KINDS[rule.kind]) and not isinstance(value, bool)
    if fits and rule.kind == "choice":
        fits = value in rule.choices
    elif fits:
        assert rule.minimum is not None and rule.maximum is not None
        fits = rule.minimum <= value <= rule.maximum  # no number is neither
    if not fits:
        raise ValueError(f"{name} is {_short(value)}, it must be {rule.allowed()}")


def _check_classes(names: Any, ids: Any) -> None:
    if not _all(names, str) or not names:
        raise ValueError(f"class_names is {_short(names)}, it must be a list of names")
    if not _all(ids, int) or len(set(ids)) < len(ids):
        raise ValueError(f"category_ids is {_short(ids)}, it must be a list of different integers")
    if len(names) != len(ids):
        raise ValueError(f"it has {len(names)} class_names and {len(ids)} category_ids")


def _all(values: Any, kind: type) -> bool:
    return (
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and all(isinstance(one, kind) and not isinstance(one, bool) for one in values)
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
