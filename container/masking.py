"""Keeps secret values out of the log and the failure file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "***"
LONGEST_SHOWN = 80
# A value this short is more likely a number or a word than a secret: hiding "10" wherever it
# occurs in a message would only confuse.
SHORTEST_SECRET = 6

_ENDINGS = (
    "secret",
    "secrets",
    "password",
    "passwd",
    "pwd",
    "token",
    "key",
    "keys",
    "auth",
    "authorization",
)
# A shell's own variables, whose names only look like a password's.
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_ANYWHERE = re.compile(r"secret|passw|credential|private_?key|api_?key", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# A secret inside a text: `"password": "..."`, `--token=...`, or the user part of an address.
_IN_TEXT = re.compile(
    r"(secret|passw|token|api_?key|access_?key|credential)\w*[\"']?\s*[:= ]|://[^/\s]*:[^/\s]*@"
)


def is_secret(name: str) -> bool:
    """Whether a name says that its value must not be shown."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(_ANYWHERE.search(name)) or any(word.endswith(_ENDINGS) for word in words)


def shown(values: Mapping[str, Any]) -> str:
    """`name=value` of each on one line, secrets masked, long values cut."""
    return ", ".join(f"{name}={_show(name, value)}" for name, value in sorted(values.items()))


def _show(name: str, value: Any) -> str:
    text = str(value).replace("\n", " ")
    if is_secret(name) or _IN_TEXT.search(text.lower()):
        return MASK
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def secret_values(values: Mapping[str, Any]) -> frozenset[str]:
    """The values that must not reach the failure file, from names that say so, at any depth."""
    named = {name: value for name, value in values.items() if name not in _FOLDERS}
    return frozenset(text for text in _secrets(named, False) if len(text) >= SHORTEST_SECRET)


def _secrets(value: Any, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets(item, secret or is_secret(str(name)))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item, secret)
    elif secret and value is not None:
        yield str(value)


def mask(text: str, secrets: frozenset[str]) -> str:
    """The text with every secret value replaced, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
