"""Tables in Markdown, and figures as a page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with these columns."""
    return "\n".join([_line(head), "|---" * len(head) + "|", *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def times(value: float) -> str:
    """A ratio: two decimals below ten, one below a hundred."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} x"


def span(values: Iterable[float], digits: int = 0, unit: str = "") -> str:
    """From the least to the largest, or the one figure that both are."""
    ordered = sorted(values)
    ends = dict.fromkeys(f"{value:,.{digits}f}" for value in (ordered[0], ordered[-1]))
    return " to ".join(ends) + unit


def signed(value: float, digits: int = 1) -> str:
    """With its sign, a real minus, and no sign at nothing."""
    text = f"{abs(value):.{digits}f}"
    if not float(text):
        return text
    return f"{'−' if value < 0 else '+'}{text}"
