"""Command-line words to typed values, whichever of SageMaker's string encodings they came in.

The same value arrives as `abc` (boto3), `"abc"` (SDK script mode, JSON) or `True`, `None` and
`[1, 2]` (SDK Estimator, Python's str), so the type that is due decides how a string is read.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Sequence
from typing import NoReturn

from rules import Rule

Value = int | float | bool | str | tuple[int, ...] | None
_NOTHING = ("", "none", "null", "auto", "default")
_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "1.0": True,
          "false": False, "0": False, "no": False, "off": False, "0.0": False}  # fmt: skip


def read(text: str, rule: Rule) -> Value:
    """Returns the value that the text stands for; ValueError when the rule does not allow it."""
    plain = _unquoted(text.strip())
    if rule.kind == "choice":
        return _choice(plain, rule)
    if rule.kind == "flag":
        return _FLAGS[plain.lower()] if plain.lower() in _FLAGS else _refuse()
    if rule.unset and plain.lower() in _NOTHING:
        return None
    if rule.kind == "integers":
        return tuple(int(_in_range(_whole(part), rule)) for part in _parts(plain))
    if rule.kind == "integer":
        return int(_in_range(_whole(plain), rule))
    return _in_range(_number(plain), rule)


def pairs(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Splits `--name value` and `--name=value` into pairs; the second part is what fits neither."""
    found: list[tuple[str, str]] = []
    strays: list[str] = []
    waiting = ""  # a name whose value has not come yet
    for word in words:
        if re.match(r"--?[A-Za-z_]", word):
            if waiting:
                found.append((waiting, "true"))
            name, equals, value = word.lstrip("-").partition("=")
            waiting = "" if equals else name
            if equals:
                found.append((name, value))
        elif waiting:
            found.append((waiting, word))
            waiting = ""
        else:
            strays.append(word)
    return found + ([(waiting, "true")] if waiting else []), strays


def _unquoted(text: str) -> str:
    """Takes off the quotes that JSON or Python put round a string."""
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return text
    try:
        value = json.loads(text) if text[0] == '"' else ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    return value.strip() if isinstance(value, str) else text


def _choice(plain: str, rule: Rule) -> str:
    word = "none" if plain.lower() == "null" else plain.lower()
    if set(rule.choices) >= {"on", "off"} and word in _FLAGS:
        word = "on" if _FLAGS[word] else "off"
    return word if word in rule.choices else _refuse()


def _parts(plain: str) -> list[str]:
    inside = plain.strip("[]() ")
    return [_unquoted(part) for part in re.split(r"[\s,;]+", inside) if part]


def _number(plain: str) -> float:
    value = float(plain) if "_" not in plain else _refuse()
    return value if math.isfinite(value) else _refuse()


def _whole(plain: str) -> float:
    value = int(plain) if re.fullmatch(r"[+-]?[0-9]{1,18}", plain) else _number(plain)
    return value if value == int(value) else _refuse()


def _in_range(value: float, rule: Rule) -> float:
    low, high = rule.minimum, rule.maximum
    too_low = low is not None and (value <= low if rule.above else value < low)
    return _refuse() if too_low or (high is not None and value > high) else value


def _refuse() -> NoReturn:
    raise ValueError
