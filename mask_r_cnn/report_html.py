"""The pieces that the report's page is made of: safe text, numbers, tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from chart import number


def text(value: object) -> str:
    """Any value as text that is safe in HTML, with control characters made visible."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in str(value))
    return escape(shown)


def share(value: float) -> str:
    """A figure from 0 to 1 with three decimals, a dash where nothing was measured."""
    return f"{value:.3f}" if math.isfinite(value) else "–"


def bar(value: float) -> str:
    """The same with a bar beside it."""
    if not math.isfinite(value):
        return "–"
    return f'{share(value)}<meter min="0" max="1" value="{value:.3f}" aria-hidden="true"></meter>'


def cell(value: Any) -> str:
    """A value of any kind for a cell."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return text(value)
    return number(float(value))


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 100:
        return f"{number(round(seconds, 1 if seconds < 10 else 0))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def table(name: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are HTML already; the first of each row is its heading."""
    lines = [
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    ]
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in heads)
    size = "scroll tall" if len(lines) > 25 else "scroll"
    return (
        f'<div class="{size}" tabindex="0" role="region" aria-label="{name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def facts_table(facts: Mapping[str, Any]) -> str:
    """Names and values, nested ones line by line."""
    lines = [
        f'<tr><th scope="row">{text(name)}</th><td class="text">{value}</td></tr>'
        for name, value in _flat(facts)
    ]
    return (
        f'<div class="scroll"><table><tbody>{"".join(lines)}</tbody></table></div>' if lines else ""
    )


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts line by line: "training: pictures", 120."""
    for key, value in facts.items():
        name = f"{above}: {key}" if above else str(key)
        if isinstance(value, Mapping) and value:
            yield from _flat(value, name)
        elif isinstance(value, (list, tuple)):
            yield name, text(", ".join(str(item) for item in value)) or "–"
        else:
            yield name, "–" if value is None or value == {} else cell(value)
