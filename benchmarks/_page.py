"""The tables of docs/performance.md, made of the JSON in benchmarks/results: no figure is typed.

python benchmarks/_page.py     writes them anew, after a benchmark was run
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import measure

PAGE = measure.ROOT / "docs" / "performance.md"
Results = Mapping[str, Any]


def results() -> Results:
    """Every result by its benchmark's name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in measure.RESULTS.glob("*.json")
    }


def tables() -> dict[str, Callable[[Results], str]]:
    """The page's tables by name."""
    import _accuracy_tables
    import _goals
    import _request_tables
    import _training_tables

    parts = (_goals, _training_tables, _accuracy_tables, _request_tables)
    return {name: table for part in parts for name, table in part.TABLES.items()}


def replaced(page: str, found: Results) -> str:
    """The page with new tables: each stands between two comments with its name."""
    for name, table in tables().items():
        mark = f"<!-- {name}, by benchmarks/_page.py -->"
        before, *between = page.split(mark)
        if len(between) != 2:
            raise SystemExit(f"{PAGE} has no place for {name}")
        page = f"{before}{mark}\n{table(found)}\n{mark}{between[1]}"
    return page


def main() -> int:
    """Write the page."""
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), results()), encoding="utf-8")
    print(f"written: {PAGE.relative_to(measure.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
