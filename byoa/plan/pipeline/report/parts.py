"""A picture of parts that no way connects: each drawn alone, put on shelves."""

from __future__ import annotations

from collections.abc import Sequence

from byoa.plan.pipeline.report.markup import number
from byoa.plan.workflow.picture.layout import GAP

#: How wide a row of parts may be.
SHELF = 1080.0


def components(size: int, ways: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The numbers of what hangs together, the largest first."""
    head = list(range(size))

    def top(one: int) -> int:
        while head[one] != one:
            head[one] = head[head[one]]
            one = head[one]
        return one

    for source, target in ways:
        head[top(target)] = top(source)
    found: dict[int, list[int]] = {}
    for one in range(size):
        found.setdefault(top(one), []).append(one)
    return sorted(found.values(), key=lambda numbers: (-len(numbers), numbers))


def shelved(parts: list[tuple[str, float, float]]) -> tuple[str, float, float]:
    """Parts side by side, and below each other where a row is full."""
    made, x, y, row, widest = "", 0.0, 0.0, 0.0, 0.0
    for inside, wide, high in parts:
        if x and x + wide > SHELF:
            x, y, row = 0.0, y + row + GAP, 0.0
        move = f"translate({number(x)} {number(y)})"
        made += f'<g transform="{move}">{inside}</g>' if x or y else inside
        x, row = x + wide + GAP, max(row, high)
        widest = max(widest, x - GAP)
    return made, widest, y + row
