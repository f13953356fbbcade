"""Hyperparameters against the image's own schema (`train --describe`), before a job is paid for.

Reads values as the algorithms do: boto3's `abc`, JSON's `"abc"`, Python's `True` and `[1, 2]`.
"""

from __future__ import annotations

import ast
import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

LABEL = "byoa.hyperparameters"
RESERVED = ("_tuning_objective_metric", "default_user_module_name")
NOTHING = ("", "none", "null", "auto", "default")
YES = ("true", "1", "yes", "on", "1.0")
NO = ("false", "0", "no", "off", "0.0")
NOUNS = {"integer": "a whole number", "number": "a number", "integers": "whole numbers such as 6,8"}


def schema_of(labels: Mapping[str, str]) -> dict[str, Any] | None:
    """The schema in an image's labels; None when it has none that can be read."""
    try:
        schema = json.loads(labels[LABEL])
    except (KeyError, ValueError):
        return None
    entries = schema.get("hyperparameters") if isinstance(schema, dict) else None
    right = isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in entries
    )
    return schema if right else None


def check(schema: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """One sentence for every name that the algorithm lacks and every value that it refuses."""
    entries = {entry["name"]: entry for entry in schema.get("hyperparameters", ())}
    problems = []
    for written, text in values.items():
        name = written.replace("-", "_")
        if name in entries:
            if not fits(text, entries[name]):
                given = text if len(text) <= 60 else text[:57] + "..."
                problems.append(f"{name} is {given!r}, but it must be {allowed(entries[name])}")
        elif not name.startswith("sagemaker_") and name not in RESERVED:
            near = difflib.get_close_matches(name, entries, n=1, cutoff=0.5)
            advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(entries)}"
            problems.append(f"there is no hyperparameter {written[:60]!r} - {advice}")
    return problems


def fits(text: str, entry: Mapping[str, Any]) -> bool:
    """Whether the algorithm takes this text for this hyperparameter."""
    plain, kind = _unquoted(text.strip()), entry.get("kind")
    choices = entry.get("choices", ())
    if kind == "flag":
        return plain.lower() in YES + NO
    if kind == "choice":
        word = "none" if plain.lower() == "null" else plain.lower()
        if {"on", "off"} <= set(choices) and word in YES + NO:
            word = "on" if word in YES else "off"
        return word in choices
    if kind not in NOUNS or (entry.get("unset") and plain.lower() in NOTHING):
        return True
    parts = [plain]
    if kind == "integers":
        parts = [_unquoted(part) for part in re.split(r"[\s,;]+", plain.strip("[]() ")) if part]
    return all(_in_range(_number(part, whole=kind != "number"), entry) for part in parts)


def allowed(entry: Mapping[str, Any]) -> str:
    """What the hyperparameter may be, to end the sentence `it must be …`."""
    if entry.get("kind") == "flag":
        return "true or false"
    if entry.get("kind") == "choice":
        return f"one of {', '.join(entry.get('choices', ()))}"
    words = NOUNS.get(str(entry.get("kind")), "a value")
    if "minimum" in entry:
        words += f" {'above' if entry.get('above') else 'from'} {entry['minimum']}"
    if "maximum" in entry:
        words += f" {'and at most' if entry.get('above') else 'to'} {entry['maximum']}"
    return words + (" (leave it out for the default)" if entry.get("unset") else "")


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return text
    try:
        value = json.loads(text) if text[0] == '"' else ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    return value.strip() if isinstance(value, str) else text


def _number(plain: str, *, whole: bool) -> float | None:
    if whole and re.fullmatch(r"[+-]?[0-9]{1,18}", plain):
        return int(plain)
    try:
        value = float(plain) if "_" not in plain else math.nan
    except ValueError:
        return None
    return None if not math.isfinite(value) or (whole and value != int(value)) else value


def _in_range(value: float | None, entry: Mapping[str, Any]) -> bool:
    low, high = entry.get("minimum"), entry.get("maximum")
    if value is None or (
        low is not None and (value < low or (entry.get("above") and value == low))
    ):
        return False
    return high is None or value <= high
