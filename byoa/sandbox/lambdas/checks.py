"""What Lambda refuses when a function is made or changed, and moto would take."""

from __future__ import annotations

from byoa.sandbox.wire import Call


def check(call: Call, name: str | None, what: str | None) -> None:
    """Raises as Lambda would."""
