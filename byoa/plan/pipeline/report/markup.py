"""The pieces that pages are made of: text that is safe, numbers and times for a reader."""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any


def text(value: object) -> str:
    """Anything as text that HTML and XML take for nothing but text, on one line."""
    return escape(plain(value))


def lines(value: str) -> str:
    """The same for several lines: the end of a log."""
    return "\n".join(text(line.expandtabs(4)) for line in value.splitlines())


def plain(value: object) -> str:
    """Without what no XML may hold and what turns a line around."""
    return "".join(
        sign if sign.isprintable() else " " if sign.isspace() else "\ufffd" for sign in str(value)
    )


def shown(value: Any) -> str:
    """A parameter or a metric, short."""
    if value is None or isinstance(value, bool):
        return "–" if value is None else str(value).lower()
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, (int, float)):
        return figure(value)
    try:
        return plain(json.dumps(value, ensure_ascii=False, default=str))
    except (TypeError, ValueError):
        return plain(value)


def figure(value: float) -> str:
    """A number with four figures that count; whole numbers stay whole."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value)):
        return f"{int(value):,}".replace(",", "\u202f") if abs(value) < 1e15 else f"{value:.4g}"
    if not math.isfinite(value):
        return "–"
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """0.42 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 59.5:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
    )


def megabytes(value: float) -> str:
    return f"{value / 1000:.3g} GB" if value >= 999.5 else f"{value:.0f} MB" if value else ""


def number(value: float) -> str:
    """A coordinate: one decimal, none where it is 0."""
    return f"{value:.1f}".removesuffix(".0")
