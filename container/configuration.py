"""Reads the JSON files below input/config, and says plainly what is wrong with a bad one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from container.errors import ConfigurationError


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; {} when the file is missing or empty.

    A byte-order mark is skipped: editors on Windows write one.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8 (byte {error.start}). Save the file as UTF-8."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}. Make it a readable file."
        ) from None
    return _parse_object(path, text) if text.strip() else {}


def _parse_object(path: Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
            " Correct the file."
        ) from None
    except (ValueError, RecursionError):
        raise ConfigurationError(
            f"{path} is JSON that is too large or too deep to read. Make it one flat object."
        ) from None
    if not isinstance(value, dict):
        raise ConfigurationError(
            f'{path} holds a JSON {_kind(value)}. Make it one object: {{"name": "value"}}.'
        )
    return value


def _kind(value: object) -> str:
    kinds = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
