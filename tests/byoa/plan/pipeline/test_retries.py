"""Which failures are tried again, and after how long."""

from __future__ import annotations

import pytest

from byoa.plan.pipeline.model import Limits
from byoa.plan.pipeline.retries import pause

OS_ERROR = ("ConnectionResetError", "ConnectionError", "OSError", "Exception", "BaseException")


@pytest.mark.parametrize(
    ("attempts", "retry_on", "kinds", "attempt", "seconds"),
    [
        (1, (), OS_ERROR, 1, None),
        (3, (), OS_ERROR, 1, 1),
        (3, (), OS_ERROR, 2, 2),
        (3, (), OS_ERROR, 3, None),
        (20, (), OS_ERROR, 12, 60),
        (3, ("OSError",), OS_ERROR, 1, 1),
        (3, ("builtins.OSError",), OS_ERROR, 1, 1),
        (3, ("ValueError", "ConnectionError"), OS_ERROR, 1, 1),
        (3, ("ValueError",), OS_ERROR, 1, None),
        (3, ("timeout",), ("timeout",), 1, 1),
        (3, ("memory",), ("MemoryError", "Exception", "BaseException", "memory"), 1, 1),
        (3, ("killed",), ("timeout",), 1, None),
        (3, (), ("killed",), 1, 1),
        (3, (), ("cancelled",), 1, None),
        (3, (), ("DAGBuildEarlyStop", "Exception"), 1, None),
        (3, (), ("TaskError", "ByoaError", "Exception"), 1, None),
    ],
)
def test_pause(attempts, retry_on, kinds, attempt, seconds):
    assert pause(Limits(attempts=attempts, retry_on=retry_on), kinds, attempt) == seconds
