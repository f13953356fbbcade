"""Work for several threads that ends at the first error, and at once when the user says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def pools(workers: int) -> Iterator[tuple[ThreadPoolExecutor, ThreadPoolExecutor]]:
    """One for whole files and one for their parts: a file waits for its parts in a thread."""
    with ThreadPoolExecutor(workers) as whole, ThreadPoolExecutor(workers) as parts:
        try:
            yield whole, parts
        except BaseException:  # what has not begun is not begun, Ctrl-C included
            for pool in (whole, parts):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def each(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results in the order of the items; the first error, whichever item it comes from.

    Not for work that another thread may cancel: `wait` would not hear of it.
    """
    futures = [pool.submit(work, item) for item in items]
    for one in wait(futures, return_when=FIRST_EXCEPTION).done:
        one.result()
    return [one.result() for one in futures]
