"""What is told while something goes on: lines on stderr, a bar where it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from byoa.plan.storage import Progress


def say(text: str) -> None:
    """One line, at once."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def bar(what: str) -> Iterator[Progress | None]:
    """A bar of bytes on a terminal; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit="B", unit_scale=True, leave=False) as shown:

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield progress


def size(count: float) -> str:
    """Bytes for a reader: 1.5 MB."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1000
    return f"{count:.3g} GB"
