"""The two names of `six` that AWS's documentation uses in its handlers."""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import Any

__all__ = ["BytesIO", "StringIO"]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"byoa stands in for six, without {name}: put six into requirements.txt")
